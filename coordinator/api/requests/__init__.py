"""Requests: their bodies and headers, and how long they may wait. Know no route."""
