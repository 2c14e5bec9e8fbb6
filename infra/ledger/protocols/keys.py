"""Keys of the API, and what tenants may use. Knows no secret: of a key it has a digest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from infra.access import ApiKey, KeptKey, Quota, Spend, Spent


class KeyReader(Protocol):
    """One key by its id. The API asks for it where a request comes with a key that it has not just seen."""

    def api_key(self, key_id: str) -> KeptKey | None:
        """The key, in one round trip, whether it has ended or not; None if there never was one."""


class KeyStore(KeyReader, Protocol):
    """All keys, for those who make and end them."""

    def add_key(self, key: ApiKey) -> None:
        """Keep a new key until it is ended, or for `key.lifetime_s`."""

    def api_keys(self) -> list[KeptKey]:
        """All keys, the ended ones too, the oldest first."""

    def end_key(self, key_id: str, in_s: float = 0.0) -> bool:
        """Have the key end after `in_s` seconds, or when it was to end anyway, if that is sooner.

        The answer says whether there is such a key.
        """


class QuotaReader(Protocol):
    """What a tenant may use."""

    def quota(self, tenant: str) -> Quota | None:
        """None: the tenant has no bounds."""


class QuotaStore(QuotaReader, Protocol):
    """The quotas of all tenants, for those who set them."""

    def quotas(self) -> dict[str, Quota]:
        """Tenant -> quota, in the order of the tenants."""

    def set_quota(self, tenant: str, quota: Quota) -> None:
        """Set the bounds of a tenant. A quota that bounds nothing is forgotten."""


class QuotaMeter(QuotaReader, Protocol):
    """Counts what tenants take of their quotas."""

    def spend(self, tenant: str, run_id: str, spends: Sequence[Spend], running: int | None) -> Spent:
        """Take all of `spends`, and count the run as one that goes on, in one round trip; or take nothing.

        `running`: how many runs of the tenant may go on at once; None: they are not counted. A run stops counting when
        it has ended or was forgotten.
        """

    def charge(self, tenant: str, spends: Sequence[Spend]) -> None:
        """Take `spends` even where there is no room: jobs of an accepted goal are counted and never refused."""

    def give_back(self, tenant: str, run_id: str, spends: Sequence[Spend]) -> None:
        """Undo a `spend` whose run was not stored."""
