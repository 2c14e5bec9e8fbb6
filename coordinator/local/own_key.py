"""The house's own key, by which it looks whether its API and its workers are there. Knows no process."""

from __future__ import annotations

import logging

from coordinator.keys.keyring import Keyring
from infra.access import Scope
from infra.ledger.protocol import LedgerUnavailable
from infra.ledger.redis.ledger import RedisLedger
from infra.records import NOBODY
from infra.settings import Settings

NAME = "manyhands up"

logger = logging.getLogger(__name__)


class OwnKey:
    def __init__(self, ledger: RedisLedger) -> None:
        """Make it, and end those that an earlier house left when it was killed."""
        self._ledger = ledger
        self._ring = Keyring(ledger)
        for kept in self._ring.all(NOBODY):
            if kept.key.name == NAME and kept.left_s is None:
                self._ring.revoke(kept.key.id)
        self._key, self.secret = self._ring.create(NOBODY, [Scope.READ], NAME)

    def end(self) -> None:
        try:
            self._ring.revoke(self._key.id)
            self._ledger.close()
        except LedgerUnavailable as error:
            logger.warning("the key of this house stays until the next start: %s", error, extra={"action": "revoke"})


def own_key(settings: Settings, redis_url: str) -> OwnKey | None:
    """None where the API asks for no keys."""
    if not settings.keys:
        return None
    # The house's Redis asks for no password, whatever the settings say of another one.
    changes = {"redis_url": redis_url, "redis_password_file": None, "redis_password": None}
    return OwnKey(RedisLedger.of(settings.model_copy(update=changes)))
