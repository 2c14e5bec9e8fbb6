"""The compose file: every specialist is served, every service is watched, and nothing has more rights than it needs."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from specialists.catalog import load_catalog

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
WORKERS = {
    name: service for name, service in SERVICES.items() if "--here" in service.get("healthcheck", {}).get("test", [])
}
ONE_SHOT = {"weights"}

every_service = pytest.mark.parametrize("name", SERVICES)


def test_every_specialist_of_the_catalog_has_exactly_one_worker_service():
    served = [specialist for worker in WORKERS.values() for specialist in worker["command"]]
    assert sorted(served) == load_catalog(adapters=False).names()


def test_a_specialist_with_a_model_has_a_service_of_its_own_that_bears_its_name():
    for specialist in load_catalog(adapters=False):
        if specialist.manifest.base:
            assert SERVICES[specialist.name]["command"] == [specialist.name]


def test_every_base_model_of_the_catalog_is_fetched_before_the_workers_start():
    bases = {each.manifest.base.name for each in load_catalog(adapters=False) if each.manifest.base}
    assert bases == set(SERVICES["weights"]["command"])
    for worker in WORKERS.values():
        assert worker["depends_on"]["weights"] == {"condition": "service_completed_successfully"}


@every_service
def test_a_service_has_a_health_check_unless_it_ends_by_itself(name: str):
    assert ("healthcheck" in SERVICES[name]) != (name in ONE_SHOT)


@every_service
def test_a_service_has_no_more_rights_than_it_needs(name: str):
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "cap_add", "devices", "pid", "ipc", "network_mode"} & service.keys()
    assert not any("docker.sock" in volume for volume in service.get("volumes", []))


@every_service
def test_a_service_publishes_its_port_on_this_machine_alone_if_at_all(name: str):
    published = SERVICES[name].get("ports", [])
    assert len(published) == (name in {"api", "flower"})
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_redis_and_the_workers_have_no_way_to_the_outside():
    assert COMPOSE["networks"]["back"]["internal"] is True
    for name in ("redis", "coordinator", *WORKERS):
        assert SERVICES[name]["networks"] == ["back"]


def test_a_service_can_be_scaled():
    assert not any("container_name" in service for service in SERVICES.values())


def test_the_images_run_as_a_user_without_rights():
    dockerfile = (ROOT / "infra/docker/Dockerfile").read_text()
    assert [line for line in dockerfile.splitlines() if line.startswith("USER ")] == ["USER manyhands"]
    assert SERVICES["redis"]["user"] == "redis"


def test_every_secret_has_an_example_so_that_a_fresh_clone_comes_up():
    for name, secret in COMPOSE["secrets"].items():
        assert secret["file"] == f"${{MANYHANDS_SECRETS:-./infra/docker/secrets/example}}/{name}"
        example = (ROOT / "infra/docker/secrets/example" / name).read_text()
        assert "example" in example


def test_redis_keeps_what_it_says_is_done():
    conf = dict(
        line.split(None, 1)
        for line in (ROOT / "infra/redis/redis.conf").read_text().splitlines()
        if line and not line.startswith("#")
    )
    assert conf["appendonly"] == "yes"
    assert conf["appendfsync"] == "everysec"
    assert conf["maxmemory-policy"] == "noeviction"


def test_flower_may_look_and_not_touch():
    start = (ROOT / "infra/docker/flower/start.sh").read_text()
    assert "--read_only=True" in start
    assert "FLOWER_BASIC_AUTH=$(cat /run/secrets/flower_auth)" in start
    assert SERVICES["flower"]["profiles"] == ["flower"]
