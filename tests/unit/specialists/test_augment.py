"""Augmentation: made-up examples say of other values what real ones say of theirs."""

from __future__ import annotations

from specialists.examples import Example
from specialists.training.augment import augmented

SCHEMA = {
    "properties": {
        "company": {"type": "string"},
        "found": {
            "type": "array",
            "items": {"properties": {"type": {"enum": ["person", "place"]}, "text": {"type": "string"}}},
        },
        "kind": {"enum": ["a", "b"]},
    }
}


def receipt(text: str, company: str, kind: str = "a") -> Example:
    return Example({"text": text}, {"company": company, "kind": kind}, "here")


def test_a_value_is_exchanged_wherever_it_stands_and_nothing_else_is() -> None:
    first = receipt("ACME\nLTD\n5.00 ACME LTDX a", "ACME LTD")
    second = receipt("Bolt & Co, b", "Bolt & Co")
    made = augmented([first, second], SCHEMA, 20, 1)
    assert len(made) == 20
    assert {(each.input["text"], each.output["company"], each.output["kind"]) for each in made} == {
        ("ACME\nLTD\n5.00 ACME LTDX a", "ACME LTD", "a"),
        ("Bolt & Co\n5.00 ACME LTDX a", "Bolt & Co", "a"),
        ("ACME\nLTD, b", "ACME LTD", "a"),  # as it stands in its own input
        ("Bolt & Co, b", "Bolt & Co", "a"),
    }
    assert {each.source for each in made} == {"here"}


def people(text: str, **found: str) -> Example:
    return Example({"text": text}, {"found": [{"type": kind, "text": value} for kind, value in found.items()]})


def test_values_stay_among_their_kind() -> None:
    examples = [people("Anna left Ulm", person="Anna", place="Ulm"), people("Bo saw Rome", person="Bo", place="Rome")]
    texts = {each.input["text"] for each in augmented(examples, SCHEMA, 60, 2)}
    assert texts == {f"{who} {did} {where}" for who in ("Anna", "Bo") for did, where in _PLACES}


_PLACES = [(did, where) for did in ("left", "saw") for where in ("Ulm", "Rome")]


def test_values_stay_with_outputs_of_their_kind() -> None:
    made = augmented([receipt("A sells", "A"), receipt("B buys", "B", "b")], SCHEMA, 20, 2)
    assert {each.input["text"] for each in made} == {"A sells", "B buys"}


def test_a_value_inside_a_longer_one_goes_with_it() -> None:
    example = people("Anna of Anna Ltd", person="Anna", place="Anna Ltd")
    other = people("Bo of Rome", person="Bo", place="Rome")
    made = {each.input["text"] for each in augmented([example, other], SCHEMA, 60, 3)}
    assert "Bo of Rome" in made
    assert "Bo of Bo Ltd" not in made


def test_values_that_the_input_does_not_say_stay_as_they_are() -> None:
    silent = receipt("nothing of it", "ACME LTD")
    assert augmented([silent], SCHEMA, 5, 4) == []
    made = augmented([silent, receipt("Bolt", "Bolt")], SCHEMA, 5, 4)
    assert made == [receipt("Bolt", "Bolt")] * 5


def test_a_seed_makes_the_same_again() -> None:
    examples = [receipt(f"{name} sells", name) for name in ("A", "B", "C")]
    assert augmented(examples, SCHEMA, 9, 5) == augmented(examples, SCHEMA, 9, 5)
    assert augmented(examples, SCHEMA, 9, 5) != augmented(examples, SCHEMA, 9, 6)


LINES = {"properties": {"form": {"type": "string", "x-mask-of": "line"}}}


def line(text: str, form: str) -> Example:
    return Example({"system": "web", "line": text}, {"form": form}, "here")


def test_parts_that_vary_are_exchanged_for_others_that_look_alike_and_the_mask_stays() -> None:
    examples = [
        line("user ada on 10.0.0.1", "user <*> on <*>"),
        line("port 80 of bob", "port <*> of <*>"),
        line("port 443 at 1.2.3.4", "port <*> at <*>"),
        line("all is quiet", "all is quiet"),
    ]

    made = {(each.input["line"], each.output["form"]) for each in augmented(examples, LINES, 60, 5)}

    users = {(f"user {who} on {where}", "user <*> on <*>") for who in ("ada", "bob") for where in _HOSTS}
    ports = {(f"port {n} of {who}", "port <*> of <*>") for n in (80, 443) for who in ("ada", "bob")}
    assert made == users | ports | {(f"port {n} at {where}", "port <*> at <*>") for n in (80, 443) for where in _HOSTS}


_HOSTS = ("10.0.0.1", "1.2.3.4")


def test_an_empty_part_stays_empty_and_the_rest_of_the_example_as_it_is() -> None:
    assert augmented([line(" f() = 7", "f(<*>) = <*>")], LINES, 2, 5) == [line(" f() = 7", "f(<*>) = <*>")] * 2


def test_a_part_that_the_mask_would_not_find_again_is_not_put_in() -> None:
    examples = [line("x y b z", "<*> b <*>"), line("of p b", "of <*>")]

    made = {each.input["line"] for each in augmented(examples, LINES, 60, 6)}

    assert made == {"x y b z", "of p b", "of x y"}


def test_lines_in_which_nothing_varies_make_none() -> None:
    assert augmented([line("all is quiet", "all is quiet"), line("other", "text")], LINES, 5, 7) == []
