"""Settings: one class, read once in each composition root and handed in. No other module reads the environment."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Each field is read from `MANYHANDS_<NAME>` or a `.env` file; a bad value stops the start and names itself."""

    model_config = SettingsConfigDict(env_prefix="MANYHANDS_", env_file=".env", extra="ignore", frozen=True)

    redis_url: str = "redis://127.0.0.1:6379/0"
    redis_password_file: Path | None = None  #: read at start; wins over a password in `redis_url`
    prefix: str = Field(default="mh", pattern=r"^[a-z0-9_-]{1,32}$")  #: of every key of ours

    home: Path = Path.home() / ".cache" / "manyhands"  #: weights, and the data of `manyhands up`
    specialists: tuple[Path, ...] = ()  #: folders of specialists beside the shipped ones

    api_host: str = "127.0.0.1"
    api_port: int = Field(default=8765, ge=1, le=65535)
    api_body_bytes: int = Field(default=1_000_000, gt=0)  #: a larger request is refused with 413
    flower_port: int = Field(default=5555, ge=1, le=65535)
    flower_auth: SecretStr | None = None  #: "user:password"

    slots: int = Field(default=16, gt=0, le=512)  #: jobs of one worker at a time: its batch
    threads: int | None = Field(default=None, gt=0)  #: of the engine's arithmetic; None: all cores
    lease_s: float = Field(default=15.0, gt=0)  #: a worker that is silent for so long loses its jobs
    grace_s: float = Field(default=20.0, ge=0)  #: a stopping worker lets what runs end for so long
    silent_s: float = Field(default=20.0, gt=0)  #: a job sent and not claimed for so long is sent again
    sweep_s: float = Field(default=1.0, gt=0)  #: between two sweeps
    window: int = Field(default=256, gt=0)  #: jobs of one type on the queue at a time
    visibility_timeout_s: int = Field(default=60, ge=5)  #: after which kombu delivers an unacknowledged message again

    max_jobs: int = Field(default=10_000, gt=0)  #: of one run
    deadline_s: float = Field(default=600.0, gt=0)  #: of a goal that names none
    max_replans: int = Field(default=2, ge=0, le=5)

    log_level: str = Field(default="INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$")
    log_json: bool = False

    @property
    def weights(self) -> Path:
        return self.home / "weights"


def setting_faults(error: ValidationError) -> list[str]:
    """One sentence a bad setting, `MANYHANDS_SLOTS: Input should be …`: which and why, without the value, which may
    be a password."""
    faults = error.errors(include_input=False)
    return [f"MANYHANDS_{'_'.join(map(str, fault['loc'])).upper()}: {fault['msg']}" for fault in faults]
