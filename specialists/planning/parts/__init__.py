"""Parts: what plans are put together from, as records. Knows no model, no search and no ledger."""
