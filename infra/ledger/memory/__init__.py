"""The product's rules are the Lua scripts of `infra.ledger.redis.scripts`; the ledger in here is their twin for tests."""
