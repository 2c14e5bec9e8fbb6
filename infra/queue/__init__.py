"""The queue: ids of jobs, from coordinators to workers. It runs on Celery, and in memory for tests."""
