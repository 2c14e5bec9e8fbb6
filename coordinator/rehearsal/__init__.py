"""Rehearsal: tries goals and plans in one process, without Redis and workers. Stores nothing and sends nothing."""
