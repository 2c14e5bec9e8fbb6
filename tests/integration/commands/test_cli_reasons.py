"""What a command says where it cannot start: lines for people, no traceback."""

from __future__ import annotations

import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from coordinator.commands.cli import register
from coordinator.local.house import House, Ports, StartError
from infra.process.redis_server import free_port
from infra.settings import Settings


def silent(_: str) -> None:
    """For a house that nobody listens to."""


@pytest.mark.parametrize("command", ["up", "api", "coordinator", "status"])
def test_a_bad_setting_is_a_line_that_names_it(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MANYHANDS_API_PORT", "none")
    app = typer.Typer()
    register(app)
    result = CliRunner().invoke(app, [command])
    assert (result.exit_code, type(result.exception)) == (1, SystemExit)
    assert "MANYHANDS_API_PORT" in result.stderr
    assert "Traceback" not in result.output


def test_a_redis_that_does_not_start_is_a_start_error(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ports = Ports(taken.getsockname()[1], free_port(), free_port())
        house = House(Settings(_env_file=None), ports, tmp_path, silent, flower=False)
        with pytest.raises(StartError, match="did not start on port"):
            house.start()
        house.stop()


class _Outage(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_error(503)

    def log_message(self, *_: object) -> None:
        """Nothing: the test says what it saw."""


def test_an_api_that_starts_again_has_no_workers_yet(tmp_path: Path) -> None:
    house = House(Settings(_env_file=None), Ports.private(), tmp_path, silent, flower=False)
    assert not house.has_workers()  # nobody listens
    with HTTPServer(("127.0.0.1", int(house.url.rpartition(":")[2])), _Outage) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        assert not house.has_workers()
        thread.join()
