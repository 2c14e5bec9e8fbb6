"""Secrets: what a caller sends to show which key is theirs. Knows no ledger.

A secret is `mh_<id>_<256 random bits>`. Its id is looked up, so that a check is one read. The ledger keeps SHA-256 of
it. A slow hash, as for passwords, would protect nothing: no one can try 2^256 secrets, however fast each try is, and
each request would pay for it. A salt would protect nothing either, as no two secrets are the same.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets

PREFIX = "mh"  #: by which people, and what looks for leaked secrets, recognise one
_ID_BYTES = 8
_SECRET_BYTES = 32
_FORM = re.compile(rf"{PREFIX}_([0-9a-f]{{{2 * _ID_BYTES}}})_([A-Za-z0-9_-]{{43}})")


def new_secret() -> tuple[str, str]:
    """The id of a new key, and its secret."""
    key_id = secrets.token_hex(_ID_BYTES)
    return key_id, f"{PREFIX}_{key_id}_{secrets.token_urlsafe(_SECRET_BYTES)}"


def id_of(secret: str) -> str | None:
    """The id in a secret; None if it has not the form of one."""
    match = _FORM.fullmatch(secret)
    return match[1] if match else None


def digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def is_same(sha256: str, secret: str) -> bool:
    """Whether `sha256` is the secret's; it takes as long where they differ early as where they differ late."""
    return hmac.compare_digest(sha256, digest(secret))
