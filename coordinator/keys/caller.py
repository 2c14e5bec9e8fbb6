"""The caller: who asks in the current request. It is set in one place, and read wherever a tenant's things are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from infra.access import Scope
from infra.records import NOBODY


@dataclass
class Caller:
    tenant: str  #: of its key
    scopes: frozenset[Scope]
    key_id: str | None = None  #: None where keys are off
    check: Callable[[], object] | None = None  #: looks whether its key is still good; raises KeyRefused
    usage: str | None = None  #: what the request has taken of its tenant's quota, as headers tell it
    policy: str | None = None  #: the bounds of that quota, as headers tell them

    @property
    def sees_all(self) -> bool:
        """Whether the things of all tenants are there for it."""
        return Scope.ADMIN in self.scopes

    def may(self, scope: Scope) -> bool:
        return scope in self.scopes or self.sees_all

    def speaks_for(self, named: str | None) -> str:
        """The tenant for which it asks, if the request names the tenant `named`. Only an admin may name another."""
        return named if named is not None and self.sees_all else self.tenant


#: The process itself asks outside of requests: for all watchers at once, for example.
_current: ContextVar[Caller | None] = ContextVar("caller", default=None)


def anybody() -> Caller:
    """A caller where keys are off."""
    return Caller(NOBODY, frozenset(Scope))


def current() -> Caller | None:
    """The caller of the current request; None outside of requests."""
    return _current.get()


@contextmanager
def asking_as(caller: Caller) -> Iterator[None]:
    """During the block, and in all threads and tasks that begin in it, `caller` asks."""
    token = _current.set(caller)
    try:
        yield
    finally:
        _current.reset(token)
