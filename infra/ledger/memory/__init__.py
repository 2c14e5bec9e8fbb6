"""The product's rules are the Lua scripts of `infra.ledger.redis.scripts`; this room is their twin for tests."""
