"""Logs: what people read and what machines read of the same record."""

from __future__ import annotations

import json
import logging
import sys

from infra.logs import LONGEST, JsonFormatter, TextFormatter, where


def a_record(message: str = "sent %d jobs", *args: object, **extra: object) -> logging.LogRecord:
    return logging.getLogger("infra.queue.protocol").makeRecord(
        "infra.queue.protocol", logging.INFO, __file__, 1, message, args, None, extra=extra
    )


def test_text_is_a_sentence_with_its_fields_behind_it() -> None:
    line = TextFormatter().format(a_record("sent %d jobs", 12, action="send", job_id="r1.s1.0"))
    assert line.endswith(" INFO infra.queue.protocol: sent 12 jobs action=send job_id=r1.s1.0")


def test_json_is_one_object_a_line() -> None:
    line = JsonFormatter().format(a_record("sent\n%d jobs", 12, action="send", count=12, run_id=None))

    assert "\n" not in line
    fields = json.loads(line)
    assert fields["message"] == "sent\n12 jobs"
    assert (fields["level"], fields["logger"], fields["action"]) == ("INFO", "infra.queue.protocol", "send")
    assert (fields["count"], fields["run_id"]) == (12, None)


def test_a_field_cannot_take_the_place_of_the_sentence() -> None:
    fields = json.loads(JsonFormatter().format(a_record("sent", level="none")))
    assert (fields["message"], fields["level"]) == ("sent", "INFO")


def test_a_long_field_is_cut() -> None:
    fields = json.loads(JsonFormatter().format(a_record("refused", reason="x" * 5_000)))
    assert fields["reason"] == "x" * LONGEST + "…"


def test_a_traceback_comes_with_either_form() -> None:
    record = a_record("broke")
    try:
        raise LookupError("gone")
    except LookupError:
        record.exc_info = sys.exc_info()

    for told in (TextFormatter().format(record), json.loads(JsonFormatter().format(record))["traceback"]):
        assert "LookupError" in told
        assert "test_a_traceback_comes_with_either_form" in told


def test_a_traceback_of_a_library_never_quotes_what_it_was_about() -> None:
    """uvicorn logs every error that nothing of ours foresaw; its words may be those of a job."""
    record, said = a_record("broke"), " ".join(["the", "customer"])
    try:
        try:
            raise KeyError(said)
        except KeyError as error:
            raise ValueError(said) from error
    except ValueError:
        record.exc_info = sys.exc_info()
    for told in (TextFormatter().format(record), JsonFormatter().format(record)):
        assert said not in told
        assert "KeyError" in told
        assert "ValueError" in told


def test_where_an_error_was_raised_is_told_without_its_words() -> None:
    try:
        int("the customer's own words")
    except ValueError as error:
        told = where(error)

    assert "test_where_an_error_was_raised" in told
    assert "invalid literal" not in told
