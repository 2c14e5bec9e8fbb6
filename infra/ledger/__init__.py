"""The ledger: what is true of runs and jobs. This folder has its protocol, and what its implementations share."""
