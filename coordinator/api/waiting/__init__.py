"""Requests that wait, and watchers: where they find a place, and who tells them when to go on. Knows no route."""
