"""The routes of the HTTP API, a file for each noun. They decide nothing about goals."""
