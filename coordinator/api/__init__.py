"""The HTTP API: routes by noun, bodies, headers, problems, views. Decides nothing about goals."""
