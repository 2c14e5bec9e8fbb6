"""CORS: which web pages may use the API from a browser. Without a named origin none may. Knows no route."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

_SENT = ["Authorization", "Content-Type", "Idempotency-Key", "Last-Event-ID", "Prefer", "X-Tenant"]
_SHOWN = ["Idempotency-Replayed", "Location", "RateLimit", "RateLimit-Policy", "Retry-After", "Warning", "X-Request-Id"]
_AN_HOUR_S = 3600


def allow_origins(app: FastAPI, origins: Sequence[str]) -> None:
    """Call it last: a browser asks without a key whether it may ask, and the guard would refuse that."""
    if origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(origins),
            allow_methods=["DELETE", "GET", "POST", "PUT"],
            allow_headers=_SENT,
            expose_headers=_SHOWN,
            max_age=_AN_HOUR_S,
        )
