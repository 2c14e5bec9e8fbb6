"""Settings: one class, read once in each composition root and handed in. No other module reads the environment."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

#: A tenant's name, as settings and requests may say it.
TENANT = re.compile(r"[A-Za-z0-9._-]{1,64}")

_EXAMPLES = {
    "specialists": 'a list of folders, such as ["/srv/mood"]',
    "tenants": 'an object such as {"acme": {"weight": 4}}',
}


class Tenant(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    weight: float = Field(default=1.0, gt=0, le=1000)  #: of its share where tenants wait for the same workers
    backlog: int | None = Field(default=None, gt=0)  #: jobs of one type that may wait; None: `tenant_backlog`


class Settings(BaseSettings):
    """Each field is read from `MANYHANDS_<NAME>` or a `.env` file; a bad value stops the start and names itself."""

    model_config = SettingsConfigDict(env_prefix="MANYHANDS_", env_file=".env", extra="ignore", frozen=True)

    redis_url: str = "redis://127.0.0.1:6379/0"
    redis_password_file: Path | None = None  #: read at start; wins over a password in `redis_url`
    redis_password: SecretStr | None = None  #: where there can be no file
    prefix: str = Field(default="mh", pattern=r"^[a-z0-9_-]{1,32}$")  #: of every key of the ledger
    queue_prefix: str = Field(default="mq", pattern=r"^[a-z0-9_-]{1,32}$")  #: of every key of the queue: Celery's

    #: Of a Redis that we start. `always`: what was answered is on disk; `everysec`: a second or two of it may not be,
    #: and not even with the operating system while the disk is busy.
    appendfsync: Literal["everysec", "always"] = "everysec"

    home: Path = Path.home() / ".cache" / "manyhands"  #: weights, and the data of `manyhands up`
    specialists: Annotated[tuple[Path, ...], NoDecode] = ()  #: folders of specialists beside the shipped ones

    api_host: str = "127.0.0.1"
    api_port: int = Field(default=8765, ge=1, le=65535)
    api_body_bytes: int = Field(default=1_000_000, gt=0)  #: a larger request is refused with 413
    flower_port: int = Field(default=5555, ge=1, le=65535)
    flower_auth: SecretStr | None = None  #: "user:password"

    metrics_port: int | None = Field(default=None, ge=1, le=65535)  #: Prometheus reads it; None: not served
    metrics_host: str = "127.0.0.1"
    otlp_endpoint: str | None = None  #: OpenTelemetry traces go there over HTTP; None: no traces

    engine: Literal["ray"] | None = None  #: where language models live, whatever their manifests say
    ray_address: str | None = None  #: of a Ray cluster to join; None: a private one on this machine
    ray_token_file: Path | None = None  #: its authentication token

    untrained: bool = False  #: whether workers serve language models that were never trained for their job types
    slots: int = Field(default=16, gt=0, le=512)  #: jobs of one worker at a time: its batch
    precision: Literal["fp32", "bf16", "int8"] | None = None  #: of engine transformers; None: what is fastest here
    threads: int | None = Field(default=None, gt=0)  #: of the engine's arithmetic; None: all cores
    lease_s: float = Field(default=15.0, gt=0)  #: a worker that is silent for so long loses its jobs
    grace_s: float = Field(default=20.0, ge=0)  #: a stopping worker lets what runs end for so long
    silent_s: float = Field(default=20.0, gt=0)  #: a job sent and not claimed for so long is sent again, and
    #: a worker with a free slot that none of those waiting reaches for so long ends itself: it is deaf
    sweep_s: float = Field(default=1.0, gt=0)  #: between two sweeps
    stall_s: float = Field(default=60.0, gt=0)  #: an engine with work and no step for so long is killed, started anew
    window: int = Field(default=256, gt=0)  #: jobs of one type on the queue at a time; at most two seconds' work of it
    visibility_timeout_s: int = Field(default=60, ge=5)  #: after which kombu delivers an unacknowledged message again

    replicas: int = Field(default=0, ge=0)  #: of Redis that must have a goal before it is accepted; 503 without them

    retention_s: int = Field(default=7 * 24 * 3600, gt=0)  #: what has ended is kept for so long, about 2 kB a job

    backlog: int = Field(default=200_000, gt=0)  #: jobs of one type that may wait; more are refused with 503
    tenant_backlog: int = Field(default=100_000, gt=0)  #: … of one tenant that is not in `tenants`; refused with 429
    tenants: Annotated[dict[str, Tenant], NoDecode] = {}  #: by name, as JSON; others have weight 1
    ageing_s: float = Field(default=300.0, gt=0)  #: a job that waits for so long ranks one priority class higher

    max_jobs: int = Field(default=10_000, gt=0)  #: of one run
    deadline_s: float = Field(default=600.0, gt=0)  #: of a goal that names none
    max_replans: int = Field(default=2, ge=0, le=5)

    log_level: str = Field(default="INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$")
    log_json: bool = False

    @property
    def weights(self) -> Path:
        return self.home / "weights"

    @property
    def redis_key(self) -> str | None:
        """Redis's password; None where it is in `redis_url` or there is none. Raises SettingError."""
        if self.redis_password_file:
            return _key_in(self.redis_password_file)
        return self.redis_password.get_secret_value() if self.redis_password else None

    @field_validator("redis_url")
    @classmethod
    def _addresses_a_redis(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("redis", "rediss") or not parts.hostname:
            raise ValueError("must be redis://[USER@]HOST[:PORT][/DB], or rediss://… for TLS")
        _ = parts.port  # raises ValueError where it is no port
        if parts.path.strip("/") and not parts.path.strip("/").isdecimal():
            raise ValueError("what follows the host must be the number of a database, such as /0")
        return url

    @field_validator("specialists", "tenants", mode="before")
    @classmethod
    def _reads_json(cls, given: Any, about: ValidationInfo) -> Any:
        """Decoded here: where pydantic-settings does, a fault is another exception, and names no variable."""
        try:
            return json.loads(given) if isinstance(given, str) else given
        except ValueError:
            raise ValueError(f"must be JSON: {_EXAMPLES[str(about.field_name)]}") from None

    @field_validator("tenants")
    @classmethod
    def _names_tenants(cls, tenants: dict[str, Tenant]) -> dict[str, Tenant]:
        if bad := [name for name in tenants if not TENANT.fullmatch(name)]:
            raise ValueError(f"{bad[0]!r} is no tenant's name: 1 to 64 letters, digits, '.', '_' and '-'")
        return tenants

    @property
    def tenant_weights(self) -> dict[str, float]:
        return {name: tenant.weight for name, tenant in self.tenants.items()}


class SettingError(Exception):
    """A setting cannot be as it is on this machine; the message names it and says why and what to do."""


def setting_faults(error: ValidationError, options: Mapping[str, str] = MappingProxyType({})) -> list[str]:
    """One sentence a bad setting, `MANYHANDS_SLOTS: Input should be …`: which and why, without the value, which may
    be a password. `options`: field -> the command line's option, where it was given there."""
    faults = [(str(fault["loc"][0]), fault) for fault in error.errors(include_input=False)]
    return [
        f"{options.get(field) or _variable(fault['loc'])}: {fault['msg'].removeprefix('Value error, ')}"
        for field, fault in faults
    ]


def _key_in(file: Path) -> str:
    try:
        key = file.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise SettingError(f"the key file {file} cannot be read: {why}; it must hold Redis's password") from error
    if not key:
        raise SettingError(f"the key file {file} is empty; it must hold Redis's password")
    return key


def _variable(loc: tuple[int | str, ...]) -> str:
    return f"MANYHANDS_{'_'.join(map(str, loc)).upper()}"
