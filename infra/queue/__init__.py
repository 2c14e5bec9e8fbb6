"""The queue: ids of jobs, from coordinators to workers. On Celery, and in memory for tests."""
