"""Rehearsal: goals and plans tried in one process, without Redis and workers. Stores nothing and sends nothing."""
