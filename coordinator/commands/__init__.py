"""The commands that ask the API, and the views that they show on a terminal. Knows no ledger."""
