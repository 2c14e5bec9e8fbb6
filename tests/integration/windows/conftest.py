"""Deployments whose API is on a real socket."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from coordinator.api.build import create_api
from tests.support.deployment import Deployment
from tests.support.served_api import served_api


@pytest.fixture
def served() -> Iterator[Callable[..., str]]:
    """Serves a deployment's API, with some settings changed, and says its address."""
    with ExitStack() as stack:

        def serve(deployment: Deployment, **settings: Any) -> str:
            changed = deployment.settings.model_copy(update=settings)
            return stack.enter_context(served_api(create_api(deployment.ledger, deployment.catalog, changed)))

        yield serve
