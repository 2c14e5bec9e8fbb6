"""The compose file: every specialist is served, every service is watched, and nothing has more rights than it needs."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.settings import Settings
from specialists.catalog import load_catalog

ROOT = Path(__file__).parents[3]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
WORKERS = {
    name: service for name, service in SERVICES.items() if "--here" in service.get("healthcheck", {}).get("test", [])
}
ONE_SHOT = {"weights", "weights-gpu"}
#: What runs the models, one at a time; the rest runs with each.
PROFILES = ["cpu", "gpu", "ray"]
#: user of Redis -> who may know its password
KNOWERS = {
    "redis_api": {"api"},
    "redis_coordinator": {"coordinator"},
    "redis_worker": set(WORKERS),
    "redis_flower": {"flower"},
    "redis_health": set(),
}

every_service = pytest.mark.parametrize("name", SERVICES)


def models() -> list[str]:
    return [specialist.name for specialist in load_catalog(adapters=False) if specialist.manifest.base]


@pytest.mark.parametrize("profile", PROFILES)
def test_every_specialist_of_the_catalog_has_exactly_one_worker_service(profile: str) -> None:
    runs = [worker for worker in WORKERS.values() if worker["profiles"] in ([], [profile])]
    served = [word for worker in runs for word in worker["command"] if word not in {"manyhands", "worker", "join-ray"}]
    assert sorted(served) == load_catalog(adapters=False).names()


def test_a_specialist_with_a_model_has_a_service_of_its_own_that_bears_its_name() -> None:
    for name in models():
        assert SERVICES[name]["command"] == SERVICES[f"{name}-gpu"]["command"] == [name]


def test_every_base_model_of_the_catalog_is_fetched_before_who_runs_it_starts() -> None:
    bases = {each.manifest.base.name for each in load_catalog(adapters=False) if each.manifest.base}
    assert bases == set(SERVICES["weights"]["command"]) == set(SERVICES["weights-gpu"]["command"])
    fetched = {"condition": "service_completed_successfully"}
    for name in models():
        assert SERVICES[name]["depends_on"]["weights"] == fetched
        assert SERVICES[f"{name}-gpu"]["depends_on"]["weights-gpu"] == fetched
    assert SERVICES["ray-worker"]["depends_on"]["weights"] == fetched


def test_without_a_flag_the_workers_are_those_on_processors() -> None:
    settings = [line for line in (ROOT / ".env").read_text().splitlines() if not line.startswith("#")]
    assert settings == ["COMPOSE_PROFILES=cpu"]


def test_a_worker_has_longer_to_stop_than_its_jobs_have_to_end() -> None:
    for name, service in SERVICES.items():
        assert float(service["stop_grace_period"].removesuffix("s")) > Settings(_env_file=None).grace_s, name


@every_service
def test_a_service_has_a_limit_to_its_memory_and_its_processes(name: str) -> None:
    assert {"mem_limit", "pids_limit", "init"} <= SERVICES[name].keys()


def test_redis_says_that_it_is_full_before_its_container_is() -> None:
    assert (redis_conf()["maxmemory"], SERVICES["redis"]["mem_limit"]) == ("1gb", "2g")


@pytest.mark.parametrize(("secret", "knowers"), KNOWERS.items())
def test_a_password_of_redis_is_known_to_redis_and_to_whose_it_is(secret: str, knowers: set[str]) -> None:
    having = {name for name, service in SERVICES.items() if secret in service.get("secrets", [])}
    assert having == knowers | {"redis"}


@every_service
def test_a_process_of_ours_comes_to_redis_as_the_user_whose_password_it_has(name: str) -> None:
    settings = SERVICES[name].get("environment", {})
    if file := settings.get("MANYHANDS_REDIS_PASSWORD_FILE"):
        user = file.removeprefix("/run/secrets/redis_")
        assert settings["MANYHANDS_REDIS_URL"] == f"redis://{user}@redis:6379/0"


def test_every_process_of_ours_shows_its_metrics_inside_and_publishes_them_nowhere() -> None:
    for name in ("api", "coordinator", *WORKERS):
        assert SERVICES[name]["environment"]["MANYHANDS_METRICS_PORT"] == "9464"
        assert not any("9464" in port for port in SERVICES[name].get("ports", []))


@every_service
def test_a_service_has_a_health_check_unless_it_ends_by_itself(name: str) -> None:
    assert ("healthcheck" in SERVICES[name]) != (name in ONE_SHOT)


@every_service
def test_a_service_has_no_more_rights_than_it_needs(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "cap_add", "devices", "pid", "ipc", "network_mode"} & service.keys()
    assert "deploy" not in service or name.endswith("-gpu")
    assert not any("docker.sock" in volume for volume in service.get("volumes", []))


@every_service
def test_a_service_publishes_its_port_on_this_machine_alone_if_at_all(name: str) -> None:
    published = SERVICES[name].get("ports", [])
    assert len(published) == (name in {"api", "flower", "ray-head", "prometheus", "grafana"})
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_the_api_listens_on_a_network_and_asks_for_keys_unless_somebody_says_otherwise() -> None:
    settings = SERVICES["api"]["environment"]
    assert settings["MANYHANDS_API_HOST"] == "0.0.0.0"
    assert settings["MANYHANDS_KEYS"] == "${MANYHANDS_KEYS:-true}"
    assert settings["MANYHANDS_OPEN"] == "${MANYHANDS_OPEN:-false}"


def test_redis_and_the_workers_have_no_way_to_the_outside() -> None:
    inside = {name for name, network in COMPOSE["networks"].items() if network.get("internal")}
    for name in ("redis", "coordinator", "ray-worker", *WORKERS):
        assert set(SERVICES[name]["networks"]) <= inside


def test_flower_is_where_redis_is_and_none_of_our_processes() -> None:
    beside = {name for name, service in SERVICES.items() if "watch" in service["networks"]}
    assert beside == {"redis", "flower", "prometheus"}
    assert "back" not in SERVICES["flower"]["networks"]


@every_service
def test_an_image_from_elsewhere_is_named_by_its_minor_version(name: str) -> None:
    image = SERVICES[name]["image"]
    if not image.startswith("manyhands-"):
        assert re.fullmatch(r"\$\{MANYHANDS_[A-Z]+_IMAGE:-[a-z/]+:v?\d+\.\d+[a-z0-9.-]*\}", image)


def test_ray_takes_nobody_without_its_token() -> None:
    for name in ("ray-head", "ray-worker", "ferry"):
        assert SERVICES[name]["environment"]["RAY_AUTH_MODE"] == "token"
        assert SERVICES[name]["environment"]["RAY_AUTH_TOKEN_PATH"] == "/run/secrets/ray_token"
        assert "ray_token" in SERVICES[name]["secrets"]


def test_grafana_lets_in_nobody_without_a_password() -> None:
    settings = SERVICES["grafana"]["environment"]
    assert settings["GF_AUTH_ANONYMOUS_ENABLED"] == "false"
    assert settings["GF_SECURITY_ADMIN_PASSWORD__FILE"] == "/run/secrets/grafana_password"


def test_a_service_can_be_scaled() -> None:
    assert not any("container_name" in service for service in SERVICES.values())


def test_the_images_run_as_a_user_without_rights() -> None:
    dockerfile = (ROOT / "infra/deploy/docker/Dockerfile").read_text()
    assert [line for line in dockerfile.splitlines() if line.startswith("USER ")] == ["USER manyhands"]
    assert SERVICES["redis"]["user"] == "redis"


def test_what_compose_and_the_images_take_from_the_repository_is_there() -> None:
    mounted = re.findall(r"\./(infra/[\w/.-]+)", (ROOT / "docker-compose.yml").read_text())
    dockerfile = (ROOT / "infra/deploy/docker/Dockerfile").read_text()
    copied = re.findall(r"(?m)^COPY (?:--chmod=\d+ )?(infra/\S+) ", dockerfile)
    assert {"infra/deploy/redis", "infra/deploy/grafana/boards"} <= set(mounted)
    assert "infra/deploy/flower_config.py" in copied
    assert [path for path in [*mounted, *copied] if not (ROOT / path).exists()] == []


def test_every_secret_has_an_example_so_that_a_fresh_clone_comes_up() -> None:
    for name, secret in COMPOSE["secrets"].items():
        assert secret["file"] == f"${{MANYHANDS_SECRETS:-./infra/deploy/docker/secrets/example}}/{name}"
        example = (ROOT / "infra/deploy/docker/secrets/example" / name).read_text()
        assert "example" in example


def redis_conf() -> dict[str, str]:
    lines = (ROOT / "infra/deploy/redis/redis.conf").read_text().splitlines()
    return dict(line.split(None, 1) for line in lines if line and line[0] != "#")


def test_redis_keeps_what_it_says_is_done() -> None:
    conf = redis_conf()
    assert conf["appendonly"] == "yes"
    assert conf["appendfsync"] == "everysec"
    assert conf["maxmemory-policy"] == "noeviction"


def test_flower_may_look_and_not_touch() -> None:
    start = (ROOT / "infra/deploy/docker/flower/start.sh").read_text()
    assert "--read_only=True" in start
    assert "FLOWER_BASIC_AUTH=$(cat /run/secrets/flower_auth)" in start
    assert "profiles" not in SERVICES["flower"]
