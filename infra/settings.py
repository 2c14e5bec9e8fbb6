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
    "cors_origins": 'a list of origins, such as ["https://desk.example"]',
}


class Tenant(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    weight: float = Field(
        default=1.0, gt=0, le=1000, description="The tenant's share where several tenants wait for the same workers."
    )
    backlog: int | None = Field(
        default=None,
        gt=0,
        description="How many jobs of one type may wait for the tenant. Without it `tenant_backlog` holds.",
    )


class Settings(BaseSettings):
    """Each field is read from `MANYHANDS_<NAME>` or a `.env` file; a bad value stops the start and names itself."""

    model_config = SettingsConfigDict(env_prefix="MANYHANDS_", env_file=".env", extra="ignore", frozen=True)

    redis_url: str = Field(
        default="redis://127.0.0.1:6379/0",
        description="The Redis that holds the ledger and the queue: `redis://[USER@]HOST[:PORT][/DB]`, or `rediss://` "
        "for TLS.",
    )
    redis_password_file: Path | None = Field(
        default=None,
        description="A file that holds the password of Redis. It is read at the start and wins over a password in "
        "`redis_url`.",
    )
    redis_password: SecretStr | None = Field(
        default=None, description="The password of Redis itself, for places where there can be no file."
    )
    prefix: str = Field(
        default="mh", pattern=r"^[a-z0-9_-]{1,32}$", description="Every key of the ledger in Redis begins with it."
    )
    queue_prefix: str = Field(
        default="mq",
        pattern=r"^[a-z0-9_-]{1,32}$",
        description="Every key of Celery's queue in Redis begins with it.",
    )
    appendfsync: Literal["everysec", "always"] = Field(
        default="everysec",
        description="When a Redis that manyhands starts syncs its append-only file. With `always`, all that was "
        "answered is on the disk. With `everysec`, the last second or two may be lost in a crash, and while the disk "
        "is busy they may not even have reached the operating system.",
    )

    home: Path = Field(
        default=Path.home() / ".cache" / "manyhands",
        description="The folder of the model weights, and of the data of `manyhands up`.",
    )
    specialists: Annotated[tuple[Path, ...], NoDecode] = Field(
        default=(), description="Folders of specialists beside the shipped ones, as a JSON list of paths."
    )

    api_host: str = Field(default="127.0.0.1", description="The address that the HTTP API listens on.")
    api_port: int = Field(default=8765, ge=1, le=65535, description="The port that the HTTP API listens on.")
    api_body_bytes: int = Field(default=1_000_000, gt=0, description="The API refuses a larger request with 413.")
    keys: bool = Field(
        default=False,
        description="Whether the API asks each caller for a key, as `manyhands keys create` makes them.",
    )
    open: bool = Field(
        default=False,
        description="Whether the API may listen on other addresses than 127.0.0.1 without asking for keys. Then "
        "everybody who reaches its port may do everything.",
    )
    api_key: SecretStr | None = Field(
        default=None, description="The key that the commands send to the API. They never print it."
    )
    cors_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="The origins of web pages that may use the API from a browser, as a JSON list. Without it none "
        "may.",
    )
    flower_port: int = Field(
        default=5555, ge=1, le=65535, description="The port that Flower listens on under `manyhands up`."
    )
    flower_auth: SecretStr | None = Field(
        default=None, description='The name and password that Flower asks for, as "user:password".'
    )

    metrics_port: int | None = Field(
        default=None,
        ge=1,
        le=65535,
        description="The port on which each process serves its Prometheus metrics. Without it none are served.",
    )
    metrics_host: str = Field(default="127.0.0.1", description="The address on which the metrics are served.")
    otlp_endpoint: str | None = Field(
        default=None,
        description="The address of an OpenTelemetry collector. Traces are sent to it over HTTP. Without it there are "
        "no traces.",
    )

    engine: Literal["ray"] | None = Field(
        default=None,
        description="With `ray`, all language models live in a Ray cluster, whatever engine their manifests name.",
    )
    ray_address: str | None = Field(
        default=None,
        description="The address of the Ray cluster to join. Without it the worker starts a private Ray on its own "
        "machine.",
    )
    ray_token_file: Path | None = Field(
        default=None, description="A file that holds the authentication token of the Ray cluster."
    )

    untrained: bool = Field(
        default=False,
        description="Whether workers serve language models that were never trained for their job types.",
    )
    slots: int = Field(
        default=16, gt=0, le=512, description="How many jobs a worker does at the same time: the size of its batch."
    )
    precision: Literal["fp32", "bf16", "int8"] | None = Field(
        default=None,
        description="The numbers that engine `transformers` computes with. Without it the worker takes the faster of "
        "`bf16` and `fp32` on its device.",
    )
    threads: int | None = Field(
        default=None,
        gt=0,
        description="How many threads the engine computes with. Without it the engine uses all cores.",
    )
    lease_s: float = Field(
        default=15.0, gt=0, description="A worker that has been silent for so long loses its jobs to other workers."
    )
    grace_s: float = Field(
        default=20.0, ge=0, description="A worker that is asked to stop lets its running jobs go on for so long."
    )
    silent_s: float = Field(
        default=20.0,
        gt=0,
        description="A job that was sent and that no worker has claimed for so long is sent again. A worker that has a "
        "free slot, and that none of the waiting jobs reaches for so long, ends itself, because it hears no messages.",
    )
    sweep_s: float = Field(
        default=1.0, gt=0, description="The time between two sweeps of the coordinator for lost jobs."
    )
    stall_s: float = Field(
        default=60.0,
        gt=0,
        description="An engine that has work and has made no step for so long is killed and started again.",
    )
    window: int = Field(
        default=256,
        gt=0,
        description="How many jobs of one type are on the queue at the same time. There are never more than two "
        "seconds' work of a type.",
    )
    visibility_timeout_s: int = Field(
        default=60, ge=5, description="Celery delivers a message again that nobody has acknowledged for so long."
    )

    replicas: int = Field(
        default=0,
        ge=0,
        description="How many replicas of Redis must hold a goal before it is accepted. Without so many, the API "
        "answers 503.",
    )

    retention_s: int = Field(
        default=7 * 24 * 3600,
        gt=0,
        description="How long ended goals and jobs are kept. A job takes about 2 kB of Redis's memory.",
    )

    backlog: int = Field(
        default=200_000, gt=0, description="How many jobs of one type may wait. Beyond that the API answers 503."
    )
    tenant_backlog: int = Field(
        default=100_000,
        gt=0,
        description="How many jobs of one type may wait for a tenant that `tenants` sets no bound for. Beyond that the "
        "API answers 429.",
    )
    tenants: Annotated[dict[str, Tenant], NoDecode] = Field(
        default={},
        description="The tenants by name, as a JSON object. A tenant that is not in it has weight 1.",
    )
    ageing_s: float = Field(
        default=300.0, gt=0, description="A job that has waited for so long ranks one priority class higher."
    )

    max_jobs: int = Field(default=10_000, gt=0, description="How many jobs one run may have.")
    deadline_s: float = Field(default=600.0, gt=0, description="The deadline of a goal that names none.")
    max_replans: int = Field(
        default=2,
        ge=0,
        le=5,
        description="How many further plans are tried when the planner's first plan does not compile.",
    )

    log_level: str = Field(
        default="INFO",
        pattern="^(DEBUG|INFO|WARNING|ERROR)$",
        description="Less severe log lines are not shown. One of DEBUG, INFO, WARNING and ERROR.",
    )
    log_json: bool = Field(default=False, description="Whether each log line is one JSON object.")

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

    @field_validator("specialists", "tenants", "cors_origins", mode="before")
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
