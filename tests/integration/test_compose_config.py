"""The compose file as Docker reads it. No engine runs here: the client alone checks it."""

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
SERVICES = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
PROFILES = sorted({profile for service in SERVICES.values() for profile in service.get("profiles", [])})


def _compose(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["docker", "compose", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.fixture(autouse=True)
def _needs_the_client() -> None:
    if not shutil.which("docker") or _compose("version").returncode:
        pytest.skip(
            "the docker client with its compose plugin is not installed: what it says of the file is not checked"
        )


@pytest.mark.parametrize(
    "profiles", [[], *([profile] for profile in PROFILES), PROFILES], ids=lambda names: "+".join(names) or "none"
)
def test_docker_accepts_every_profile_of_a_fresh_clone(profiles: list[str]):
    done = _compose(*(f"--profile={profile}" for profile in profiles), "config", "-q")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_what_runs_without_a_profile_is_the_whole_cluster_but_flower():
    done = _compose("config", "--services")
    assert set(done.stdout.split()) == SERVICES.keys() - {"flower"}
