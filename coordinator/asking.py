"""Asking: who asks, and the name that they gave this one request, so that sending it again does not do it again."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from infra.records import NOBODY, Prior, Record


class Named(Record):
    """A request with an idempotency key."""

    key: str  #: with the tenant in it: two tenants may use the same one
    fingerprint: str  #: of what is asked

    @classmethod
    def of(cls, tenant: str, key: str, *asked: Any) -> Named:
        """`asked`: JSON values; in whatever order their names come, the fingerprint is the same."""
        text = json.dumps(asked, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        return cls(key=f"{tenant}/{key}", fingerprint=hashlib.sha256(text.encode()).hexdigest())


class Asking(Record):
    tenant: str = NOBODY
    named: Named | None = None  #: None: asked again, it is done again


class KeyUsed(Exception):
    """The request's key was used before."""

    def __init__(self, prior: Prior, named: Named) -> None:
        super().__init__("the idempotency key was used before")
        self.run_id = prior.run_id
        self.same = prior.fingerprint == named.fingerprint  #: whether the same was asked then
