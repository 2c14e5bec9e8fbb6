"""Views: they show the API's answers, and plans, on a terminal. Knows no ledger."""
