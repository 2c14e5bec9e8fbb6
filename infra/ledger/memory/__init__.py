"""The ledger in one process's memory, for tests: a twin of the scripts, which are the product's rules."""
