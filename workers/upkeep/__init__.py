"""What keeps a worker process going, and ends one that cannot go on."""
