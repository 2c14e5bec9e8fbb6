"""Workers of two versions of a specialist side by side: a goal has answers of the one form that it began with."""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

from coordinator.client import Client
from infra.process.child import Child
from infra.process.redis_server import RedisServer
from tests.support.house import House
from tests.support.inbox import ref
from tests.support.survivors import IMPATIENT, WAIT_S

WORDS = {"words": {"type": "string", "maxLength": 100}}
PAINT = """
import time
def paint(input):
    time.sleep(0.05)
    return {"%s": input["words"]}
"""
PLAN = {
    "steps": [
        {"id": "s1", "type": "paint", "map": {"over": ref("inputs.all"), "as": "each"}, "args": {"words": ref("each")}}
    ],
    "result": ref("s1"),
}
ROWS = [f"row {number}" for number in range(20)]


def test_a_goal_has_answers_of_one_form_while_workers_of_another_are_beside(
    write_specialist: Callable[..., Path], tmp_path: Path
) -> None:
    manifest = 'engine = "function"\nfunction = "paint.py:paint"\n'
    old = write_specialist("paint", manifest, WORDS, {"colour": WORDS["words"]}, {"paint.py": PAINT % "colour"})
    new = shutil.copytree(old, tmp_path / "new" / "paint")
    (new / "paint.py").write_text(PAINT % "hue")
    (new / "specialist.toml").write_text((old / "specialist.toml").read_text().replace("1.0.0", "2.0.0"))
    schema = json.loads((old / "output.schema.json").read_text())
    schema |= {"properties": {"hue": WORDS["words"]}, "required": ["hue"]}
    (new / "output.schema.json").write_text(json.dumps(schema))

    with (
        RedisServer(tmp_path / "redis") as redis,
        House(redis.url, old, tmp_path / "logs", **{**IMPATIENT, "slots": "2"}) as house,
        Client(house.url) as client,
    ):
        newer = Child(
            "newer", [sys.executable, "-m", "workers.app", "paint"],
            {**house.environment, "MANYHANDS_SPECIALISTS": json.dumps([str(new)])}, tmp_path / "logs" / "newer.log",
        )  # fmt: skip
        newer.start()
        try:
            _await_workers(client, 2)
            goal = client.wait(_sent(client), 60)
            assert goal["state"] == "succeeded", goal
            assert goal["result"] == [{"colour": row} for row in ROWS]
            assert goal["versions"] == {"paint": "1.0.0"}
            assert goal["steps"]["s1"]["answered"] == {"paint@1.0.0": 20}
            assert "other_schemas" in newer.log.read_text(), "the other worker was offered some of them"

            house.worker.stop(until=0)
            waiting = client.wait(_sent(client), 8)
            assert waiting["state"] == "running"
            assert waiting["unserved"] == [{"type": "paint", "version": "1.0.0", "served": ["2.0.0"]}]

            house.worker.start()
            assert client.wait(waiting["id"], 90)["result"] == [{"colour": row} for row in ROWS]
        finally:
            newer.stop(until=0)


def _sent(client: Client) -> str:
    return str(client.submit(PLAN, {"all": ROWS})["id"])


def _await_workers(client: Client, count: int) -> None:
    until = time.monotonic() + WAIT_S
    while len(client.workers()["workers"]) < count:
        assert time.monotonic() < until
        time.sleep(0.1)
