"""Parts: the records that plans are put together from. Knows no model, no search and no ledger."""
