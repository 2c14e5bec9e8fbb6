"""Asking: who asks, and the name that they gave this one request, so that sending it again does not do it again."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

from infra.records import NOBODY, Prior, Record
from infra.settings import TENANT

KEY = re.compile(r"[\x21-\x7e]{1,255}")


def tenant_fault(name: str) -> str | None:
    """What is wrong with the name of who asks; None: nothing."""
    if TENANT.fullmatch(name):
        return None
    return "header X-Tenant: no tenant's name: 1 to 64 letters, digits, '.', '_' and '-'"


def key_fault(key: str) -> str | None:
    """What is wrong with an idempotency key; None: nothing."""
    if KEY.fullmatch(key):
        return None
    return "header Idempotency-Key: must be 1 to 255 visible ASCII characters, such as a UUID"


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
