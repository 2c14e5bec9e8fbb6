"""The API process: `python -m coordinator.api_app`. A composition root; reads the settings once."""

from __future__ import annotations

import uvicorn

from coordinator.api import create_api
from infra import logs
from infra.redis_client import connect
from infra.redis_ledger import RedisLedger
from infra.settings import Settings
from specialists.catalog import load_catalog


def main() -> None:
    settings = Settings()
    logs.configure(settings)
    ledger = RedisLedger(connect(settings), settings.prefix)
    api = create_api(ledger, load_catalog(settings.specialists, adapters=False), settings)
    # Watchers hold their connection for as long as a goal runs: do not wait for them at the end.
    uvicorn.run(
        api,
        host=settings.api_host,
        port=settings.api_port,
        log_config=None,
        timeout_graceful_shutdown=3,
        server_header=False,
        access_log=False,
    )


if __name__ == "__main__":
    main()
