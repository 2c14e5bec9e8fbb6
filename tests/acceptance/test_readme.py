"""The README's code, run as it stands there."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import httpx
import pytest

from coordinator.local.house import House

README = (Path(__file__).parents[2] / "README.md").read_text()
ADDRESS = "http://127.0.0.1:8765"


def block(language: str, containing: str) -> str:
    found: list[str] = [b for b in re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL) if containing in b]
    assert len(found) == 1, containing
    return found[0]


def test_the_python_example_counts_intents(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    code = block("python", "client.run(")
    assert ADDRESS in code
    exec(compile(code.replace(ADDRESS, house.url), "README.md", "exec"), {})
    assert capsys.readouterr().out == "2 card_arrival\n1 lost_or_stolen_card\n"


def test_the_curl_example_finds_the_names(house: House) -> None:
    command = shlex.split(block("console", "curl").split("\n\n")[0].replace("\\\n", " "))
    url, body = next(part for part in command if part.startswith("http")), command[command.index("-d") + 1]
    answer = httpx.post(url.replace(ADDRESS, house.url), json=json.loads(body), timeout=60)
    assert answer.status_code == 202
    found = {entity["text"]: entity["type"] for entity in answer.json()["output"]["entities"]}
    assert found == {"Anna Berg": "person", "Siemens": "organisation", "Oslo": "location"}
