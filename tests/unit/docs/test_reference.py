"""The reference that is made from the code: nothing that a user can set, call or read is missing from it."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml

from coordinator.api.build import create_api
from docs.generator.comments import comments
from docs.generator.links import unlinked
from docs.generator.markdown import table
from docs.generator.pages import PAGES
from infra.cli import build
from infra.ledger.memory.ledger import MemoryLedger
from infra.records import JobState
from infra.settings import Settings, Tenant
from specialists.catalog import Catalog
from specialists.formats import Format
from specialists.manifest import Manifest
from workers.engines import Engine

ROOT = Path(__file__).parents[3]
SCHEMA = Manifest.model_json_schema()


@cache
def page(name: str) -> str:
    return PAGES[f"reference/{name}.md"]()


def row(text: str, first: str) -> list[str]:
    """The cells of the one row that begins with `first`."""
    (line,) = [line for line in text.splitlines() if line.startswith(f"| `{first}` |")]
    return [cell.strip() for cell in line.strip("|").split(" | ")]


def sections(text: str) -> dict[str, str]:
    """By the heading of the second level."""
    parts = re.split(r"^## (.+)$", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def manifest_keys() -> list[str]:
    """By the manifest's JSON Schema: "name", "limits.input_tokens"."""
    found = []
    for name, said in SCHEMA["properties"].items():
        refs = re.findall(r"#/\$defs/(\w+)", str(said))
        inner = [key for ref in refs for key in SCHEMA["$defs"][ref].get("properties", {})]
        path = name if "$ref" in said or "anyOf" in said else f"{name}.NAME"
        found += [f"{path}.{key}" for key in inner] or [name]
    return found


def all_commands(group: Any, before: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, command in group.commands.items():
        inner = getattr(command, "commands", None)
        found |= all_commands(command, f"{before}{name} ") if inner else {before + name: command}
    return found


COMMANDS = all_commands(typer.main.get_command(build()))


# -- settings and manifest --


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_has_a_row_with_its_variable_and_its_meaning(name: str) -> None:
    cells = row(page("settings").partition("## One tenant")[0], f"MANYHANDS_{name.upper()}")
    assert cells[-1].endswith(".")
    assert cells[-1] == Settings.model_fields[name].description


def test_a_setting_says_its_default_its_bounds_and_its_unit() -> None:
    text = page("settings")
    assert row(text, "MANYHANDS_LEASE_S")[1:3] == ["`15.0`", "number above 0, seconds"]
    assert row(text, "MANYHANDS_SLOTS")[1:3] == ["`16`", "whole number above 0, at most 512"]
    assert row(text, "MANYHANDS_PRECISION")[1:3] == ["none", "`fp32`, `bf16`, `int8`"]
    assert row(text, "MANYHANDS_API_BODY_BYTES")[2].endswith("bytes")


def test_every_key_of_a_tenant_has_a_row() -> None:
    for name in Tenant.model_fields:
        assert f"| `{name}` |" in sections(page("settings"))["One tenant"]


@pytest.mark.parametrize("key", manifest_keys())
def test_every_key_of_a_manifest_has_a_row_with_its_meaning(key: str) -> None:
    assert row(page("manifest"), key)[-1].endswith(".")


def test_a_key_without_a_default_is_needed() -> None:
    assert row(page("manifest"), "fallback.below")[1:3] == ["needed", "number above 0, at most 1"]
    assert row(page("manifest"), "limits.attempts")[1] == "`3`"


# -- commands and exit codes --


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_a_section_with_all_that_it_takes(name: str) -> None:
    section = sections(page("commands"))[name]
    assert f"manyhands {name}" in section
    for given in COMMANDS[name].params:
        for option in given.opts if given.param_type_name == "option" and given.name != "help" else []:
            assert f"`{option}`" in section


def test_a_flag_takes_no_value_and_says_how_to_turn_it_off() -> None:
    section = sections(page("commands"))["train"]
    assert "| `--install`, `--no-install` | `true` |" in section
    assert "| `--data` PATH, may be repeated | needed |" in section


def test_every_way_to_end_has_its_code_and_its_meaning() -> None:
    lines = page("exits").splitlines()
    assert [line for line in lines if line.startswith("| `worker` | `2` |") and "cannot start like this" in line]
    assert [line for line in lines if "`run` and `watch`" in line and "| `3` |" in line and "unsure" in line]


# -- the API --


def test_every_route_has_a_section() -> None:
    app = create_api(MemoryLedger(), Catalog([]), Settings(_env_file=None))
    text = page("http")
    paths = app.openapi()["paths"]
    assert len(paths) > 15
    for path, item in paths.items():
        for method in item:
            assert f"### `{method.upper()} {path}`" in text


def test_a_route_says_what_it_takes_and_a_body_says_its_fields() -> None:
    text = page("http")
    assert "The body is [JobRequest](#jobrequest)." in text
    body = text.partition("### JobRequest\n")[2].partition("\n### ")[0]
    assert row(body, "deadline_s")[1] == "number"
    assert "| `idempotency-key` | header | string |" in text


# -- engines, formats, metrics --


def test_every_member_of_the_contracts_is_listed() -> None:
    found = sections(page("engines"))
    for contract in (Engine, Format):
        for name in [name for name in vars(contract) if not name.startswith("_")]:
            assert f"| `{name}" in found[contract.__name__]


def test_every_group_of_entry_points_of_ours_is_listed() -> None:
    groups = named_groups()
    assert {"manyhands.engines", "manyhands.formats"} < groups
    for group in groups:
        assert row(page("engines"), group)[1].endswith(".")


def named_groups() -> set[str]:
    """Those that the code and `pyproject.toml` name."""
    texts = [(ROOT / name).read_text("utf-8") for name in ("pyproject.toml", "infra/plugins.py")]
    return {found for text in texts for found in re.findall(r"\"(manyhands\.[a-z]+)\"", text)}


def test_the_reference_and_the_guide_name_the_same_metrics() -> None:
    guide = set(re.findall(r"\bmanyhands_[a-z_]+\b", (ROOT / "docs/metrics.md").read_text("utf-8")))
    assert set(re.findall(r"\bmanyhands_[a-z_]+\b", page("metrics"))) == guide


# -- the site --


def test_no_page_names_a_folder_of_the_machine_that_builds_it() -> None:
    assert not [path for path, write in PAGES.items() if str(Path.home()) in write()]


def test_every_page_is_in_the_navigation() -> None:
    nav = (ROOT / "mkdocs.yml").read_text("utf-8").partition("\nnav:")[2]
    listed = set(re.findall(r"[\w/]+\.md", nav))
    written = {str(path.relative_to(ROOT / "docs")) for path in (ROOT / "docs").rglob("*.md")}
    assert listed == written | set(PAGES)


def test_the_site_loads_no_font_from_elsewhere() -> None:
    assert yaml.safe_load((ROOT / "mkdocs.yml").read_text("utf-8"))["theme"]["font"] is False


@pytest.mark.parametrize(
    ("link", "path", "shown"),
    [
        ("[README](../README.md)", "specialists.md", "README"),
        ("[log](../log.md)", "report/report.md", "[log](../log.md)"),
        ("[README](../../README.md)", "report/report.md", "README"),
        ("[workers](workers.md)", "engines.md", "[workers](workers.md)"),
    ],
)
def test_a_link_that_leads_out_of_the_documentation_is_its_words_alone(link: str, path: str, shown: str) -> None:
    assert unlinked(f"See {link}, please.", path) == f"See {shown}, please."


def test_a_comment_belongs_to_the_name_on_its_line() -> None:
    assert comments(JobState)["RUNNING"] == "a worker holds its lease"


def test_a_cell_breaks_no_row() -> None:
    assert table(["a"], [["one | two\nthree"]]).splitlines()[2] == "| one \\| two three |"
