"""Views: they show the API's responses, and plans, on a terminal. Knows no ledger."""
