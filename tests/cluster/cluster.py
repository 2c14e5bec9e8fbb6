"""A cluster in containers, made for these tests and removed after them. Knows Docker's command line; knows no job."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Self

from infra.process.redis_server import free_port
from infra.records import Json
from tests.support.nap import nap_in

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "infra/deploy/docker/secrets/example"
PROJECT = "manyhands-cluster-test"
VERSION = "cluster-test"  #: the images' tag
BUILT = ("api", "weights", "flower")  #: services whose images are built
IMAGES = [f"manyhands-{name}:{VERSION}" for name in ("api", "worker", "flower")]
UP_S = 300

#: Sends a signal to the process that the container's init started, from within: to Docker a killed one crashed, and the
#: restart policy holds. (`docker compose kill` counts as an operator's wish, after which nothing is restarted.)
SIGNAL = """
for process in /proc/[0-9]*; do
  read -r _ _ _ parent _ < $process/stat && [ "$parent" = 1 ] && kill -%s "${process#/proc/}"
done
"""


class Cluster:
    """A context: comes up healthy with one worker each, and takes everything with it when it goes."""

    def __init__(self) -> None:
        self.stages: list[tuple[str, str]] = []  #: what was measured, in words
        self._naps = TemporaryDirectory(prefix="cluster-test-")  #: the folder of the job type `nap`
        manifest = nap_in(Path(self._naps.name)) / "specialist.toml"
        manifest.write_text(manifest.read_text() + "planned = false\n")  # goals in words are planned as they always are
        Path(self._naps.name).chmod(0o755)  # containers run as another user
        ports = {name: free_port() for name in ("API", "FLOWER", "PROMETHEUS", "GRAFANA", "RAY")}
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("COMPOSE_")},
            **{f"MANYHANDS_{name}_PORT": str(port) for name, port in ports.items()},
            "COMPOSE_PROJECT_NAME": PROJECT,
            "COMPOSE_PROFILES": "cpu",
            "MANYHANDS_VERSION": VERSION,
            "MANYHANDS_THREADS": os.environ.get("MANYHANDS_THREADS", "1"),
            "MANYHANDS_SECRETS": str(EXAMPLES),
            "COMPOSE_FILE": os.pathsep.join(("docker-compose.yml", "tests/cluster/lasting.yml")),
            "CLUSTER_TEST_NAPS": self._naps.name,
        }
        self.url = f"http://127.0.0.1:{ports['API']}"
        self.api_key: str | None = None  #: one that may do everything, once the cluster is up
        self.flower_url = f"http://127.0.0.1:{ports['FLOWER']}"

    def __enter__(self) -> Self:
        self.remove()
        try:
            with self.timed("images built"):
                self.compose("build", "--quiet", *BUILT)
            with self.timed("weights fetched and converted"):
                self.compose("run", "--rm", "--quiet-pull", "weights")
            with self.timed("all services healthy"):
                self.compose("up", "--detach", "--wait", "--wait-timeout", str(UP_S))
            create = ("manyhands", "keys", "create", "--tenant", "default", "--scope", "submit,read,admin")
            self.api_key = self.compose("exec", "--no-TTY", "api", *create).strip()
        except BaseException as error:
            error.add_note(self.compose("ps", "--all") + self.compose("logs", "--tail", "20"))
            self.remove()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.remove()
        self._naps.cleanup()

    def remove(self) -> None:
        self.compose("down", "--volumes", "--remove-orphans", "--timeout", "30")
        subprocess.run(["docker", "image", "rm", *IMAGES], capture_output=True, check=False)

    def compose(self, *arguments: str) -> str:
        return run("docker", "compose", *arguments, environment=self._environment)

    def containers(self, service: str) -> list[str]:
        return self.compose("ps", "--quiet", service).split()

    def container_of(self, worker: str) -> str:
        """`worker` as the ledger names it: its host is the beginning of its container's id."""
        host = worker.rpartition("@")[2]
        return next(each for each in run("docker", "ps", "--quiet", "--no-trunc").split() if each.startswith(host))

    def kill(self, container: str) -> None:
        """SIGKILL to what runs in it; Docker starts it again."""
        self._signal(container, "KILL")

    def freeze(self, container: str) -> None:
        """What runs in it stands still until it is thawed, or killed."""
        self._signal(container, "STOP")

    def thaw(self, container: str) -> None:
        self._signal(container, "CONT")

    def _signal(self, container: str, name: str) -> None:
        subprocess.run(["docker", "exec", container, "sh", "-c", SIGNAL % name], capture_output=True, check=False)

    def redis(self, user: str, *command: str) -> str:
        """What Redis answers to one of its users."""
        (container,) = self.containers("redis")
        password = (EXAMPLES / f"redis_{user}").read_text().strip()
        login = ("--no-auth-warning", "--user", user, "--pass", password)
        return run("docker", "exec", container, "redis-cli", *login, *command)

    def restarts(self, container: str) -> int:
        return int(run("docker", "inspect", "--format", "{{.RestartCount}}", container))

    @contextmanager
    def cut_off(self, container: str) -> Iterator[None]:
        network = f"{PROJECT}_back"
        run("docker", "network", "disconnect", network, container)
        yield
        run("docker", "network", "connect", network, container)

    def fetch(self, service: str, address: str) -> str:
        """What answers at `address`, asked from within each container of the service."""
        ask = f"import urllib.request as r; print(r.urlopen('{address}', timeout=9).read().decode())"
        return "".join(run("docker", "exec", each, "python", "-c", ask) for each in self.containers(service))

    def logs(self, *services: str) -> list[Json]:
        """What our processes wrote, one record a line; those of containers that were scaled away are lost."""
        lines = self.compose("logs", "--no-log-prefix", "--no-color", *services).splitlines()
        # Compose may begin a line with a control code.
        records = [line[line.index("{") :] for line in lines if '{"' in line]
        return [json.loads(record) for record in records]

    @contextmanager
    def timed(self, what: str) -> Iterator[None]:
        began = time.monotonic()
        yield
        self.stages.append((what, f"{time.monotonic() - began:.1f} s"))

    def measure_sizes(self) -> None:
        for image in IMAGES:
            size = int(run("docker", "image", "inspect", "--format", "{{.Size}}", image))
            self.stages.append((f"image {image.partition(':')[0]}", f"{size / 1e6:.0f} MB"))

    def measure_memory(self) -> None:
        shown = self.compose("stats", "--no-stream", "--format", "{{.Name}} {{.MemUsage}}")
        for line in sorted(shown.splitlines()):
            name, _, used = line.partition(" ")
            self.stages.append((f"memory {name.removeprefix(PROJECT + '-')}", used))


def run(*command: str, environment: dict[str, str] | None = None) -> str:
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout
