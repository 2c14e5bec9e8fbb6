"""The ledger as each of its users sees it: one small protocol for each use. `infra.ledger.protocol` has them all."""
