"""The connection to Redis: one way to make it, one error when it does not answer. Knows no key of ours."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar
from urllib.parse import quote, urlsplit, urlunsplit

import redis
from redis.backoff import ExponentialWithJitterBackoff
from redis.exceptions import AuthenticationError, AuthorizationError, NoPermissionError
from redis.retry import Retry

from infra.ledger.protocol import LedgerRefused, LedgerUnavailable
from infra.settings import Settings

P = ParamSpec("P")
T = TypeVar("T")

#: No command blocks for longer than this on the server, so that a cut connection is noticed soon.
BLOCK_MS = 5_000
ANSWER_S = 2 * BLOCK_MS / 1000
#: The connections of one client. They are more than any process of ours has threads (the API has 256), because a thread
#: that finds no connection left gets an error that looks like an outage. redis-py's own limit is 100.
CONNECTIONS = 1024
#: Errors of a Redis that wants another key, or grants too few rights.
REFUSALS = (AuthenticationError, AuthorizationError, NoPermissionError)
#: Errors of a Redis that answers and cannot serve now: the first word of each. NOSCRIPT means that it was started anew
#: after redis-py had loaded the script, and before it ran.
OUTAGES = frozenset(
    {"BUSY", "LOADING", "MASTERDOWN", "MISCONF", "NOREPLICAS", "NOSCRIPT", "OOM", "READONLY", "TRYAGAIN", "UNBLOCKED"}
)


def connect(settings: Settings) -> redis.Redis:
    """A client for any number of threads. It connects when first used, and again after a cut. Raises SettingError."""
    return client_of(broker_url(settings))


def broker_url(settings: Settings) -> str:
    """`redis_url`, with the password if that is given separately. Raises SettingError."""
    key = settings.redis_key
    if key is None:
        return settings.redis_url
    parts = urlsplit(settings.redis_url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{parts.username or ''}:{quote(key, safe='')}@{host}"))


def client_of(url: str, **options: Any) -> redis.Redis:
    """As `connect`, from an address instead of settings."""
    return redis.Redis.from_url(
        url,
        decode_responses=True,
        max_connections=CONNECTIONS,
        health_check_interval=5,
        socket_connect_timeout=3,
        socket_timeout=ANSWER_S,
        socket_keepalive=True,
        retry=Retry(ExponentialWithJitterBackoff(base=0.05, cap=1), retries=4),
        **options,
    )


def answered(method: Callable[P, T]) -> Callable[P, T]:
    """Raise LedgerUnavailable where `method` meets a Redis that is away, still loading, full, or read-only.

    Raise LedgerRefused where it wants another key, or grants too few rights.
    """

    @wraps(method)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return method(*args, **kwargs)
        except (AuthenticationError, AuthorizationError) as error:
            raise LedgerRefused(f"Redis does not take this user and key: {error}") from error
        except NoPermissionError as error:
            raise LedgerRefused(f"Redis grants this user too few rights: {error}") from error
        except (redis.ConnectionError, redis.TimeoutError) as error:
            raise LedgerUnavailable(f"Redis does not answer: {error}") from error
        except redis.ResponseError as error:
            if _code(error) not in OUTAGES:
                raise
            raise LedgerUnavailable(f"Redis cannot serve now: {error}") from error

    return guarded


def _code(error: redis.ResponseError) -> str:
    """The error's code. redis-py takes it off the message of errors that it has a class for, and puts words before it
    if the error is of one command among several."""
    return error.status_code or str(error).rpartition(" caused error: ")[2].partition(" ")[0]
