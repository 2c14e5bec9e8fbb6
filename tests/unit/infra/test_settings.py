"""Settings that need more than a type: addresses, lists of folders, and the key of Redis."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from infra.settings import SettingError, Settings, setting_faults

KEY = "a key of this house"


def settings(**given: object) -> Settings:
    return Settings(_env_file=None, **given)  # type: ignore[arg-type]  # some are of a wrong type, to be refused


@pytest.mark.parametrize("url", ["redis://h", "redis://user@h:6379/0", "rediss://:word@[::1]:1/15"])
def test_an_address_of_a_redis_is_taken_as_it_is(url: str) -> None:
    assert settings(redis_url=url).redis_url == url


@pytest.mark.parametrize(
    "url", ["h:6379", "http://h", "redis://", "redis://h:port", "redis://h/queue", "redis://h:99999"]
)
def test_another_address_is_refused_without_being_quoted(url: str) -> None:
    with pytest.raises(ValidationError) as caught:
        settings(redis_url=url)
    (fault,) = setting_faults(caught.value, {"redis_url": "--broker"})
    assert fault.startswith("--broker: ")
    assert not fault.startswith("--broker: Value error")


def test_folders_of_specialists_are_read_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MANYHANDS_SPECIALISTS", '["/srv/mood", "/srv/more"]')
    assert settings().specialists == (Path("/srv/mood"), Path("/srv/more"))


@pytest.mark.parametrize("text", ["/srv/mood", '["/srv/mood"', ""])
def test_folders_that_are_no_json_are_a_fault_like_any_other(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MANYHANDS_SPECIALISTS", text)
    with pytest.raises(ValidationError) as caught:
        settings()
    fault = 'MANYHANDS_SPECIALISTS: must be JSON: a list of folders, such as ["/srv/mood"]'
    assert setting_faults(caught.value) == [fault]


def test_the_key_comes_from_its_file_or_else_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "key"
    file.write_text(f"{KEY}\n")
    assert settings().redis_key is None
    monkeypatch.setenv("MANYHANDS_REDIS_PASSWORD", "another key")
    assert settings().redis_key == "another key"
    assert "another key" not in repr(settings())
    assert settings(redis_password_file=file).redis_key == KEY


def test_a_key_file_that_cannot_be_used_is_named_and_not_quoted(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    for name, reason in (
        ("gone", "No such file"),
        ("empty", "is empty"),
        ("binary", "it is no text"),
        (".", "directory"),
    ):
        with pytest.raises(SettingError, match=reason) as caught:
            _ = settings(redis_password_file=tmp_path / name).redis_key
        assert str(tmp_path / name) in str(caught.value)
