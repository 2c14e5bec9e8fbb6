"""The compose file as Docker reads it. No engine runs here: the client alone checks it."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from specialists.catalog import load_catalog

ROOT = Path(__file__).parents[3]
SERVICES = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
PROFILES = sorted({profile for service in SERVICES.values() for profile in service.get("profiles", [])})


def _compose(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COMPOSE_")}
    command = ["docker", "compose", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(autouse=True)
def _needs_the_client() -> None:
    if not shutil.which("docker") or _compose("version").returncode:
        pytest.skip(
            "the docker client with its compose plugin is not installed: what it says of the file is not checked"
        )


@pytest.mark.parametrize(
    "profiles", [[], *([profile] for profile in PROFILES), PROFILES], ids=lambda names: "+".join(names) or "none"
)
def test_docker_accepts_every_profile_of_a_fresh_clone(profiles: list[str]) -> None:
    done = _compose(*(f"--profile={profile}" for profile in profiles), "config", "-q")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


ALWAYS = {"redis", "api", "coordinator", "functions", "flower"}
MODELS = {specialist.name for specialist in load_catalog(adapters=False) if specialist.manifest.base}


@pytest.mark.parametrize(
    ("flags", "more"),
    [
        ([], {"weights"} | MODELS),
        (["--profile=gpu"], {"weights-gpu"} | {f"{name}-gpu" for name in MODELS}),
        (["--profile=ray"], {"weights", "ray-head", "ray-worker", "ferry"}),
        (["--profile=cpu", "--profile=monitoring"], {"weights", "prometheus", "grafana"} | MODELS),
    ],
    ids=["none", "gpu", "ray", "cpu+monitoring"],
)
def test_a_profile_runs_its_own_workers_beside_what_always_runs(flags: list[str], more: set[str]) -> None:
    done = _compose(*flags, "config", "--services")
    assert set(done.stdout.split()) == ALWAYS | more
