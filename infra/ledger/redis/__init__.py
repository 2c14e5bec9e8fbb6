"""The ledger on Redis. The product's rules are the scripts in here."""
