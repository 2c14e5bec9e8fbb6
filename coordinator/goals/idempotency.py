"""Idempotency: the tenant and the key of a request, so that sending it again does not do it again. Knows no ledger."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

from infra.records import NOBODY, Prior, Record
from infra.settings import TENANT

KEY = re.compile(r"[\x21-\x7e]{1,255}")


def tenant_fault(name: str) -> str | None:
    """The fault of a tenant's name; None if it has none."""
    if TENANT.fullmatch(name):
        return None
    return "header X-Tenant: no tenant's name: 1 to 64 letters, digits, '.', '_' and '-'"


def key_fault(key: str) -> str | None:
    """The fault of an idempotency key; None if it has none."""
    if KEY.fullmatch(key):
        return None
    return "header Idempotency-Key: must be 1 to 255 visible ASCII characters, such as a UUID"


class Named(Record):
    """A request with an idempotency key."""

    key: str  #: it begins with the tenant, so that two tenants may use the same key
    fingerprint: str  #: a digest of the request

    @classmethod
    def of(cls, tenant: str, key: str, *asked: Any) -> Named:
        """`asked`: JSON values. The order of the names in their objects does not change the fingerprint."""
        text = json.dumps(asked, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        return cls(key=f"{tenant}/{key}", fingerprint=hashlib.sha256(text.encode()).hexdigest())


class Asking(Record):
    tenant: str = NOBODY
    named: Named | None = None  #: None if there is no key: a repeated request is done again


class KeyUsed(Exception):
    """The request's key was used before."""

    def __init__(self, prior: Prior, named: Named) -> None:
        super().__init__("the idempotency key was used before")
        self.run_id = prior.run_id
        self.same = prior.fingerprint == named.fingerprint  #: whether the earlier request was the same
