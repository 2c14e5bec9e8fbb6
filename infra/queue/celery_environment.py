"""Celery's environment: keeps what other programs tell Celery there out of our app. Knows no setting of ours.

Celery believes `CELERY_BROKER_URL`, `CELERY_RESULT_BACKEND`, `CELERY_CONFIG_MODULE`, `CELERY_LOADER` and Django's
`DJANGO_SETTINGS_MODULE` before what an app was given. They are set wherever somebody works on a program with Celery.
Then jobs waited for ever, because their ids were sent to another broker than the one that the ledger is on.
"""

from __future__ import annotations

from typing import Any

from celery import Celery
from celery.loaders.app import AppLoader


class OwnLoader(AppLoader):  # type: ignore[misc] # Celery has no types
    def read_configuration(self, env: str = "") -> dict[str, Any]:
        return {}


class OwnCelery(Celery):  # type: ignore[misc]
    """Connects to the broker that it was given, whatever address it is told later, and keeps no results."""

    backend_cls = "disabled://"

    def __init__(self, *args: Any, broker: str, **options: Any) -> None:
        self._given = broker
        super().__init__(*args, broker=broker, **options)

    def connection_for_read(self, url: str | None = None, **options: Any) -> Any:
        return super().connection_for_read(self._given, **options)

    def connection_for_write(self, url: str | None = None, **options: Any) -> Any:
        return super().connection_for_write(self._given, **options)
