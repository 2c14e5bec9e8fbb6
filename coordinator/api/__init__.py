"""The HTTP API: it has the routes, and reads requests and writes responses. It decides nothing about goals."""
