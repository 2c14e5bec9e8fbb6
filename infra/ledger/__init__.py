"""The ledger: what is true of runs and jobs. The protocol, and what its implementations share."""
