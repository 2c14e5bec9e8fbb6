"""The examples, run as their texts say: each script in a process of its own, against an API on a real socket."""

from __future__ import annotations

import csv
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from infra.process.redis_server import free_port
from infra.settings import Settings
from specialists.catalog import Catalog, load_catalog
from specialists.examples import read_examples
from specialists.specialist import load_specialist
from tests.support.answers import draft, refused, unsure
from tests.support.deployment import Deployment
from tests.support.story import SORT, ref

Json = dict[str, Any]

ROOT = Path(__file__).parents[3]
EXAMPLES = ROOT / "examples"
NAMES = ("goal", "typed_job", "own_function", "own_specialist", "batch")
SCRIPTS = sorted(EXAMPLES.glob("*/*.py"))
ADDRESS = f"http://127.0.0.1:{Settings(_env_file=None).api_port}"
COUNT = {"id": "s2", "type": "count", "args": {"items": ref("s1"), "field": "intent"}}
INTENTS = ("card_arrival", "exchange_rate", "pin_blocked")


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    """What ships, and what the examples bring."""
    return load_catalog([EXAMPLES / "own_function", EXAMPLES / "own_specialist"], adapters=False)


@pytest.fixture
def running(deployment: Deployment, url: str) -> str:
    """The address of a deployment whose triage answers by how long a text is."""
    deployment.answers["triage"] = lambda input: {"intent": intent_of(input["text"])}
    deployment.start()
    return url


def intent_of(text: str) -> str:
    return INTENTS[len(text) % 3]


def text_of(name: str) -> str:
    return (EXAMPLES / name / "README.md").read_text("utf-8")


def commands(name: str, containing: str) -> list[str]:
    """Those of an example's README, each on one line."""
    blocks = re.findall(r"```console\n(.*?)```", text_of(name), re.DOTALL)
    lines = "".join(blocks).replace("\\\n", " ").splitlines()
    return [line for line in lines if containing in line]


def run(command: str, *more: object, said: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    """A command of a README, in the repository's root, with the programs of this environment."""
    words = [word.replace(".venv/bin", str(Path(sys.executable).parent)) for word in shlex.split(command)]
    return subprocess.run(
        [*words, *map(str, more)], cwd=ROOT, env=os.environ | environment, input=said, capture_output=True, text=True,
        timeout=240, check=False,
    )  # fmt: skip


def printed(command: str, *more: object, said: str = "") -> str:
    done = run(command, *more, said=said)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_each_example_is_in_the_list_and_has_a_text_of_its_own() -> None:
    listed = re.findall(r"^- \[(\w+)\]\((\w+)/README\.md\)", (EXAMPLES / "README.md").read_text("utf-8"), re.MULTILINE)
    assert listed == [(name, name) for name in NAMES]
    assert sorted(folder.name for folder in EXAMPLES.iterdir() if folder.is_dir()) == sorted(NAMES)
    for name in NAMES:
        assert commands(name, f".venv/bin/python examples/{name}/"), name


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_script_is_short_and_asks_where_the_api_listens(script: Path) -> None:
    text = script.read_text("utf-8")
    assert len(text.splitlines()) < 60
    assert f'"--url", default="{ADDRESS}"' in text


def test_an_api_that_is_not_there_is_named_in_one_line() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    done = run(commands("own_function", "python")[0], "--url", url)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert f"nothing answers at {url}" in done.stderr


@pytest.fixture
def unsure_planner(deployment: Deployment) -> None:
    first = draft(SORT, words="sorts the messages", confidence=0.5)
    second = draft(SORT, COUNT, words="counts what they want", confidence=0.4)
    deployment.answers["planner"] = lambda _: unsure(first, second, reason="it may be counted or not")


def test_an_unsure_goal_goes_on_with_the_plan_that_is_chosen(unsure_planner: None, running: str) -> None:
    out = printed(commands("goal", "goal.py")[0], "--url", running, said="2\n")
    shown, _, rest = out.partition("Which plan")
    assert shown == "unsure: it may be counted or not\n1  sorts the messages (0.50)\n2  counts what they want (0.40)\n"
    assert json.loads(rest.partition(": ")[2])["total"] == 4


def test_a_sure_goal_waits_too_where_it_is_always_to_be_confirmed(deployment: Deployment, running: str) -> None:
    deployment.answers["planner"] = lambda _: {**unsure(draft(SORT, words="sorts them"), reason=""), "answer": "plan"}
    assert "always\n1  sorts them (0.90)\n" in printed(commands("goal", "goal.py")[0], "--url", running, said="1\n")
    assert printed(commands("goal", "if_unsure")[0], "--url", running).startswith("[\n")


def test_a_goal_without_a_chosen_plan_is_cancelled(unsure_planner: None, running: str) -> None:
    done = run(commands("goal", "goal.py")[0], "--url", running, said="n\n")
    assert done.returncode == 1
    assert done.stderr.startswith("cancelled")


def test_a_refused_goal_prints_its_reason(deployment: Deployment, running: str) -> None:
    deployment.answers["planner"] = lambda _: refused("nothing here translates; nearest: triage")
    done = run(commands("goal", "goal.py")[0], "--url", running)
    assert (done.returncode, done.stderr) == (1, "refused: nothing here translates; nearest: triage\n")


def test_the_terminals_command_for_a_goal_is_one(unsure_planner: None, running: str) -> None:
    done = run(commands("goal", "manyhands run")[0], "--url", running)
    assert (done.returncode, "2  counts what they want" in done.stdout) == (3, True), done.stderr


def test_a_typed_job_is_done_once_for_a_key(deployment: Deployment, running: str) -> None:
    asked: list[Json] = []

    def answer(input: Json) -> Json:
        asked.append(input)
        return {"intent": "lost_or_stolen_card"}

    deployment.answers["triage"] = answer
    script, other_text = commands("typed_job", "job.py")
    out = printed(script, "--url", running).splitlines()
    job = out[0].removeprefix("sent: job ")
    assert out[1:] == ["succeeded: {'intent': 'lost_or_stolen_card'}", f"sent again: job {job}"]
    assert printed(script, "--url", running).splitlines() == out
    assert len(asked) == 1
    done = run(other_text, "--url", running)
    assert (done.returncode, "The key was used for another request" in done.stderr) == (1, True)


@pytest.mark.skipif(not shutil.which("curl"), reason="there is no curl on this machine")
def test_curl_sends_a_job_and_the_same_key_does_it_no_more(running: str) -> None:
    send, look = (command.replace(ADDRESS, running) for command in commands("typed_job", "curl"))
    head, _, body = printed(send).partition("\n\n")
    job = json.loads(body)
    assert head.startswith("HTTP/1.1 202")
    assert f"location: /v1/jobs/{job['id']}" in head.lower()
    assert (job["state"], job["output"]) == ("succeeded", {"intent": intent_of("My card still has not arrived.")})
    head, _, body = printed(send).partition("\n\n")
    assert head.startswith("HTTP/1.1 200")
    assert "idempotency-replayed: true" in head.lower()
    assert json.loads(body)["id"] == job["id"]
    assert json.loads(printed(look.replace("JOB", job["id"])))["output"] == job["output"]


def test_a_function_of_ones_own_runs_in_a_plan_and_prints_what_its_text_shows(running: str) -> None:
    shown = re.findall(r"```text\n(.*?)```", text_of("own_function"), re.DOTALL)
    assert [printed(commands("own_function", "accounts.py")[0], "--url", running)] == shown


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("gb82 west 1234 5698 7654 32", "none"),
        ("GB82 WEST 1234 5698 7654 23", "check_digits"),
        ("GB82", "form"),
        ("ＧＢ82WEST12345698765432", "form"),
    ],
)
def test_the_function_answers_what_its_schema_says(catalog: Catalog, text: str, fault: str) -> None:
    iban = catalog.get("iban")
    output = iban.parse(json.dumps(iban.function({"text": text})), {"text": text})
    assert output == {"valid": fault == "none", "fault": fault}


def test_the_moods_are_printed_with_how_sure_they_are(deployment: Deployment, running: str) -> None:
    deployment.answers["mood"] = lambda input: {"mood": "happy" if "!" in input["text"] else "neutral"}
    deployment.confidence["mood"] = 0.876
    script, own_texts = commands("own_specialist", "moods.py")
    out = printed(script, "--url", running).splitlines()
    assert out[:2] == [
        "happy     0.88  The repair was quick and everybody was so nice!",
        "neutral   0.88  The office is on the second floor.",
    ]
    assert len(printed(own_texts, "--url", running).splitlines()) == 2


@pytest.mark.parametrize(("file", "count"), [("train.jsonl", 120), ("dev.jsonl", 36), ("mood/examples.jsonl", 6)])
def test_every_example_of_a_mood_fits_the_schemas(catalog: Catalog, file: str, count: int) -> None:
    mood, examples = catalog.get("mood"), read_examples(EXAMPLES / "own_specialist" / file)
    for example in examples:
        assert not mood.input_faults(example.input)
        assert mood.parse(mood.format.write(example.output), example.input) == example.output
        assert mood.render(example.input) == f"Message: {example.input['text']}\nMood:\n"
    assert Counter(example.output["mood"] for example in examples) == dict.fromkeys(
        ("happy", "neutral", "upset"), count // 3
    )


def test_no_example_of_a_mood_is_in_two_files() -> None:
    files = ("train.jsonl", "dev.jsonl", "mood/examples.jsonl")
    texts = [each.input["text"] for file in files for each in read_examples(EXAMPLES / "own_specialist" / file)]
    assert len(set(texts)) == len(texts)


@pytest.fixture
def small_base(tmp_path: Path) -> Path:
    from tests.support.tiny import make_tiny  # which imports torch

    return make_tiny(tmp_path / "base", spread=0.02)


def test_the_mood_is_trained_and_measured_by_the_commands_of_its_text(small_base: Path, tmp_path: Path) -> None:
    """On a base that is too small to learn much: that it ends, installs and is measured is what counts."""
    folder = shutil.copytree(EXAMPLES / "own_specialist", tmp_path / "own_specialist")
    own = {"MANYHANDS_SPECIALISTS": json.dumps([str(folder)]), "MANYHANDS_THREADS": "1"}
    train, measure = commands("own_specialist", ".venv/bin/manyhands")
    trained = run(train, "--base", small_base, "--out", tmp_path / "run", "--threads", 1, **own)
    assert trained.returncode == 0, trained.stderr
    assert load_specialist(folder / "mood").manifest.adapter
    assert "120 examples" in (folder / "mood" / "card.md").read_text("utf-8")
    measured = run(measure, "--json", **own)
    assert measured.returncode == 0, measured.stderr
    found = json.loads(measured.stdout)
    assert (found["n"], found["valid_share"], len(found["baselines"])) == (36, 100.0, 3)


def test_a_file_of_200_lines_becomes_a_csv_and_a_line_that_fails_is_left_empty(
    deployment: Deployment, running: str, tmp_path: Path
) -> None:
    lines = [json.loads(line) for line in (EXAMPLES / "batch" / "messages.jsonl").read_text("utf-8").splitlines()]
    assert [line["id"] for line in lines] == list(range(1, 201))

    def triage(input: Json) -> Json:
        if input["text"] == lines[6]["text"]:
            raise ValueError("it broke")
        return {"intent": intent_of(input["text"])}

    deployment.answers["triage"] = triage
    labels = [intent_of(line["text"]) for line in lines]
    labels[6] = ""
    out = printed(commands("batch", "batch.py")[0], "--url", running, "--out", tmp_path / "new" / "labels.csv")
    with (tmp_path / "new" / "labels.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["id", "text", "intent"]
    assert rows[1:] == [[str(line["id"]), line["text"], label] for line, label in zip(lines, labels, strict=True)]
    counted = sorted(Counter(filter(None, labels)).items(), key=lambda item: (-item[1], item[0]))
    assert out.splitlines()[0].endswith("labels.csv: 200 lines, 1 without a label")
    assert out.splitlines()[1:] == [f"{count:>4}  {intent}" for intent, count in counted]
