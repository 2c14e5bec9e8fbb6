"""What happened in a round, read from outside of the ledger, and its violations."""
