"""The routes, a file a noun. They know HTTP, and decide nothing."""
