"""A specialist: one folder, checked whole at load; it renders inputs and parses answers. Runs no model."""

from __future__ import annotations

import hashlib
import json
import logging
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any, cast

from pydantic import ValidationError

from infra.field_names import current_name, old_names
from infra.json_values import DEEPEST, unwritable
from infra.records import Reuse
from specialists.copies import copy_faults, schema_faults_of_copies
from specialists.distinct import distinct, says_distinct
from specialists.formats import Format, FormatError, load_format
from specialists.head_rule import field_rules, head_faults
from specialists.manifest import LONGEST_ANSWER, Manifest
from specialists.metric_rule import rule_faults
from specialists.prompt import Prompt, fill, placeholders
from specialists.schema_dialect import taken_over
from specialists.schemas import MASK_OF, Json, draft_fault, schema_faults, value_faults
from specialists.text_form import normal_texts, own_copies
from specialists.trial import trial_faults

logger = logging.getLogger(__name__)

ADAPTER = "adapter.safetensors"
#: Parts of a manifest that decide no answer.
_NO_ANSWER: Any = {
    "confidence": True,
    "fallback": True,
    "training": True,
    "measure": True,
    "bounds": True,
    "base": {"tuned"},
}
SHOWN = 5  #: notices that are told on a line
BYTES_A_TOKEN = 4  #: of English, about


class SpecialistError(Exception):
    """A specialist's folder is not usable. `faults` says everything that is wrong with it."""

    def __init__(self, folder: Path, faults: list[str]) -> None:
        super().__init__(f"specialist folder {folder.name!r}: " + "; ".join(faults))
        self.faults = faults


class AnswerError(ValueError):
    """A model's answer does not parse, or breaks its output schema. The message never quotes the answer."""


class UnwritableError(AnswerError):
    """An answer that parses to what JSON cannot keep. Asking again would not help."""


@dataclass(frozen=True)
class Specialist:
    folder: Path
    manifest: Manifest
    input_schema: Json
    output_schema: Json
    prompt: str | None  #: the template; None: the prompt is the input as JSON
    #: the schemas as the folder has them, where the other two are what came of them
    as_written: tuple[Json, Json] | None = None
    notices: tuple[str, ...] = ()  #: what a reader of the schemas as they are written would not expect

    @property
    def written(self) -> tuple[Json, Json]:
        """The schemas of input and output as people are shown them."""
        return self.as_written or (self.input_schema, self.output_schema)

    @property
    def notice(self) -> str | None:
        """The notices in one sentence, for logs and commands."""
        if not self.notices:
            return None
        more = f"; and {len(self.notices) - SHOWN} more" if len(self.notices) > SHOWN else ""
        return f"schemas of {self.name!r}: {'; '.join(self.notices[:SHOWN])}{more}"

    @property
    def name(self) -> str:
        return self.manifest.name

    @cached_property
    def format(self) -> Format:
        """How an answer is written: as the manifest says, or as JSON where it says nothing (a function)."""
        return load_format(self.manifest.decoding.format if self.manifest.decoding else "json", self.output_schema)

    @cached_property
    def _has_distinct(self) -> bool:
        return says_distinct(self.output_schema)

    @cached_property
    def source(self) -> str | None:
        """The input field that its outputs are parts of, where they are read off; None if there is none."""
        rules = field_rules(self.output_schema) if self.manifest.head else []
        return next((rule.source for rule in rules if rule.source), None)

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """The fields of its output that are read off as one label each: only of these other values are told."""
        rules = field_rules(self.output_schema) if self.manifest.head else []
        return tuple(rule.field for rule in rules if rule.kind == "label")

    @property
    def adapter_path(self) -> Path | None:
        return self.folder / ADAPTER if self.manifest.adapter else None

    @property
    def function_path(self) -> Path | None:
        return self.folder / self.manifest.function.partition(":")[0] if self.manifest.function else None

    @cached_property
    def digest(self) -> str:
        """sha256 over everything that decides an answer: manifest, schemas, prompt, adapter and function.

        How sure it is said to be decides none, nor who is asked next, nor how it was trained or is measured.
        """
        parts = [
            # Without a head, the digest is what it was before there were heads.
            self.manifest.model_dump_json(exclude=_NO_ANSWER | ({} if self.manifest.head else {"head": True})),
            json.dumps([self.input_schema, self.output_schema]),
            self.prompt or "",
        ]
        if path := self.function_path:
            parts.append(hashlib.sha256(path.read_bytes()).hexdigest())
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()

    @cached_property
    def schemas(self) -> str:
        """sha256 of what its inputs and outputs look like: jobs that were made for one are none of another."""
        return hashlib.sha256(_canonical([self.input_schema, self.output_schema])).hexdigest()

    @cached_property
    def answer_tokens(self) -> int:
        """The most of one answer: what the manifest says, and no more than the output schema lets it have bytes, as a
        token has a byte at least. It is 1 where nothing is written."""
        if self.manifest.decoding is None:
            return 1
        bounds = [bound for bound in (self.manifest.decoding.max_tokens, self.format.longest()) if bound is not None]
        return min(bounds, default=LONGEST_ANSWER + 1)

    def input_faults(self, input: Any) -> list[str]:
        where = f"{self.name}.input"
        faults = value_faults(input, self.input_schema, where)
        if faults or not self.manifest.hosts_model:
            return faults
        shown = self.shown(input)
        if shown != input and (faults := value_faults(shown, self.input_schema, where)):
            return [f"{fault} (characters that cannot be seen do not count)" for fault in faults]
        return [f"{where}.{fault}" for fault in self.format.faults(shown)]

    def output_faults(self, output: Any) -> list[str]:
        return value_faults(output, self.output_schema, f"{self.name}.output")

    def tokens(self, input: Json) -> int:
        """What a job of `input` costs, estimated without a tokenizer: those of the prompt, and the most of an answer.

        A longer prompt is cut or refused, so a long input that is refused keeps no others waiting."""
        if not self.manifest.hosts_model:
            return 1
        return min(len(_canonical(input)) // BYTES_A_TOKEN, self.manifest.limits.input_tokens) + self.answer_tokens

    def reuse(self, input: Json, tenant: str, fresh: bool = False, top: int | None = None) -> Reuse | None:
        """How a job of `input` shares the output of another that asks the same; None: its manifest lets it not.

        `fresh`: it is done anew, and what is kept is replaced. `top`: what is told beside the output is shared too, so
        a job that asks for another number of values asks something else."""
        reusing = self.manifest.reuse
        if not reusing.unique and reusing.cache_s is None:
            return None
        whose = (tenant, self.digest) if top is None else (tenant, self.digest, f"top {top}")
        key = hashlib.sha256("\0".join(whose).encode() + b"\0" + _canonical(input)).hexdigest()
        return Reuse(key=key, digest=self.digest, unique=reusing.unique, cache_s=reusing.cache_s, fresh=fresh)

    def shown(self, input: Json) -> Json:
        """`input` as the model is shown it, in training and in serving: its texts in their normal form."""
        return cast(Json, normal_texts(input, self.input_schema))

    def render(self, input: Json) -> str:
        return self.fill(input).text

    def fill(self, input: Json) -> Prompt:
        """The prompt for `input`, and which part of it may be cut. The same text as `render` gives."""
        if self.prompt is None:
            return Prompt(json.dumps(input, ensure_ascii=False, separators=(",", ":")))
        return fill(self.prompt, self.format.fields(self.shown(input)), self.manifest.limits.cut, self.source)

    def grammar(self, input: Json) -> str:
        """Of the answers that are allowed for `input`. Of a specialist that decodes."""
        return self.format.grammar(self.shown(input))

    def write(self, output: Json) -> str:
        """The answer that stands for `output`, as a model is to write it. Raises FormatError."""
        return self.format.write(self.normal_output(output))

    def normal_output(self, output: Json) -> Json:
        """`output` with its texts in the form in which the model is shown the input's."""
        return cast(Json, normal_texts(output, self.output_schema))

    def parse(self, text: str, input: Json) -> Json:
        """The output that the answer `text` stands for, checked again after decoding. Raises AnswerError.

        Parts of the input are told as `input` has them. UnwritableError where it cannot be kept as JSON.
        """
        try:
            output = self.format.read(text)
        except FormatError as error:
            raise AnswerError(f"{self.name}: answer does not parse: {error}") from None
        if fault := unwritable(output):
            raise UnwritableError(f"{self.name}: the output {fault}")
        if self._has_distinct:
            output = distinct(output, self.output_schema)
        if faults := self.output_faults(output):
            raise AnswerError("; ".join(faults))
        output = cast(Json, own_copies(output, self.output_schema, input))
        if faults := copy_faults(output, self.output_schema, input, f"{self.name}.output"):
            raise AnswerError("; ".join(faults))
        return output

    @cached_property
    def function(self) -> Callable[[Json], Json]:
        """The plain Python function of engine `function`, loaded from the folder."""
        assert self.manifest.function
        file, name = self.manifest.function.split(":")
        spec = spec_from_file_location(f"specialist_{self.name}", self.folder / file)
        assert spec
        assert spec.loader
        module = module_from_spec(spec)
        spec.loader.exec_module(module)
        function: Callable[[Json], Json] = getattr(module, name)
        return function


def _canonical(value: Any) -> bytes:
    """The same bytes for equal values, in whatever order their names come."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def load_specialist(folder: Path, adapters: bool = True, trial: bool = True) -> Specialist:
    """Load and check the folder of one specialist, its adapter too. Raises SpecialistError with all faults at once.

    `trial=False` leaves out what is tried with the first example: those that ship are tried by our tests.
    """
    faults: list[str] = []
    try:
        said = tomllib.loads((folder / "specialist.toml").read_text("utf-8-sig"))
        manifest = Manifest.model_validate(said)
    except FileNotFoundError:
        raise SpecialistError(folder, ["no specialist.toml"]) from None
    except ValidationError as error:
        found = [f"specialist.toml: {'.'.join(map(str, e['loc'])) or 'manifest'}: {e['msg']}" for e in error.errors()]
        raise SpecialistError(folder, found) from None
    except (ValueError, OSError) as error:  # no TOML, no UTF-8, or no file
        raise SpecialistError(folder, [f"specialist.toml: {_why(error)}"]) from None
    if manifest.name != folder.name:
        faults.append(f"specialist.toml names {manifest.name!r}; the folder's name must be the same")
    written = _read_schema(folder / "input.schema.json", faults), _read_schema(folder / "output.schema.json", faults)
    notices: list[str] = []
    input_schema = _taken_over(written[0], manifest, False, faults, notices)
    output_schema = _taken_over(written[1], manifest, True, faults, notices)
    prompt = _read_prompt(folder, manifest, faults)
    whole = input_schema or {}, output_schema or {}
    specialist = Specialist(folder, manifest, *whole, prompt, (written[0] or {}, written[1] or {}), tuple(notices))
    if not faults:
        faults += _files_faults(specialist)
        if adapters:
            faults += _adapter_faults(specialist)
    if not faults and trial and manifest.decoding:
        faults += trial_faults(specialist, folder, manifest.decoding.format)
    if faults:
        raise SpecialistError(folder, faults)
    _tell_old_names(folder, said)
    _ = specialist.digest  # of the files as they are now: a change while a process runs is none of its own
    return specialist


def _tell_old_names(folder: Path, said: Json) -> None:
    for table, fields in said.items():
        for name in old_names(fields):
            logger.warning(
                "specialist folder %r: specialist.toml: [%s] %s is called %s now; the old name is still read",
                folder.name, table, name, current_name(name), extra={"action": "read"},
            )  # fmt: skip


def _read_schema(path: Path, faults: list[str]) -> Json | None:
    """As it is written; None where it is no JSON Schema, which is told."""
    try:
        schema = json.loads(path.read_text("utf-8-sig"))  # some editors put a byte order mark before all they save
    except FileNotFoundError:
        faults.append(f"no {path.name}")
        return None
    except (ValueError, OSError, RecursionError) as error:
        faults.append(f"{path.name}: {_why(error)}")
        return None
    if fault := unwritable(schema):
        faults.append(f"{path.name}: {fault}")
    elif fault := draft_fault(schema):
        faults.append(f"{path.name}: not a JSON Schema: {fault}")
    elif not isinstance(schema, dict):
        faults.append(f"{path.name}: must be the schema of an object; it is {schema!r}")
    else:
        return schema
    return None


def _taken_over(
    written: Json | None, manifest: Manifest, is_output: bool, faults: list[str], notices: list[str]
) -> Json | None:
    """With `properties`, which a map of names to values may leave out."""
    if written is None:
        return None
    where, decoded = (
        f"{manifest.name}.{'output' if is_output else 'input'}",
        is_output and manifest.decoding is not None,
    )
    dialect = taken_over(written, where, manifest.bounds is not None, decoded)
    found = dialect.faults or schema_faults(dialect.schema, where, decoded)
    faults += found
    notices += dialect.notices
    # Behind the rest: the digest is of the schema as it is written, in its order.
    return None if found else {**dialect.schema, "properties": dialect.schema.get("properties", {})}


def _read_prompt(folder: Path, manifest: Manifest, faults: list[str]) -> str | None:
    path = folder / "prompt.txt"
    inner = manifest.inner_engine
    if inner in ("function", "planner") or not (manifest.hosts_model or path.exists()):
        return None
    try:
        return path.read_text("utf-8-sig")
    except FileNotFoundError:
        if not manifest.is_bare:
            faults.append("no prompt.txt")
    except (ValueError, OSError) as error:
        faults.append(f"prompt.txt: {_why(error)}")
    return None


def _why(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return f"is not UTF-8 (byte {error.start})"
    if isinstance(error, RecursionError):
        return f"nests deeper than the limit of {DEEPEST} levels"
    return str((isinstance(error, OSError) and error.strerror) or error)


def _files_faults(specialist: Specialist) -> list[str]:
    faults: list[str] = []
    manifest = specialist.manifest
    if manifest.decoding:
        try:
            _ = specialist.format
        except FormatError as error:
            faults.append(str(error))
        if not faults and specialist.answer_tokens > LONGEST_ANSWER:
            faults.append(
                f"[decoding] max_tokens: say how many an answer may have, up to {LONGEST_ANSWER}; "
                "the output schema does not bound it so far"
            )
        unknown = set(placeholders(specialist.prompt or "")) - set(specialist.input_schema["properties"])
        faults += [f"prompt.txt: {{{{{name}}}}} is no input field" for name in sorted(unknown)]
    faults += schema_faults_of_copies(specialist.output_schema, specialist.input_schema, f"{manifest.name}.output")
    faults += _cut_faults(specialist)
    faults += _head_faults(specialist)
    faults += _measure_faults(specialist)
    if (path := specialist.function_path) and not path.is_file():
        faults.append(f"function file {path.name!r} is not there")
    return faults


def _cut_faults(specialist: Specialist) -> list[str]:
    """Why the field that may be cut is none that an engine could cut."""
    field, properties = specialist.manifest.limits.cut, specialist.input_schema["properties"]
    if field is None:
        return []
    strings = [name for name, schema in properties.items() if schema.get("type") == "string"]
    if field not in strings:
        return [f"[limits] cut: {field!r} is no string of the input; its strings: {', '.join(strings) or 'none'}"]
    times = placeholders(specialist.prompt or "").count(field)
    if times != 1 and (specialist.prompt is not None or not specialist.manifest.is_bare):
        return [f"[limits] cut: prompt.txt must have {{{{{field}}}}} once to have it cut; it has it {times} times"]
    return []


def _head_faults(specialist: Specialist) -> list[str]:
    rule = specialist.manifest.head
    if rule is None:
        return []
    if found := head_faults(rule, specialist.input_schema, specialist.output_schema):
        return found
    if specialist.manifest.limits.cut in {rule.source for rule in field_rules(specialist.output_schema) if rule.mask}:
        return [f"[limits] cut: {specialist.source!r} cannot be cut: a head reads its whole text for {MASK_OF!r}"]
    times = placeholders(specialist.prompt or "").count(specialist.source or "")
    if specialist.source and times != 1:
        return [
            f"[head] prompt.txt must have {{{{{specialist.source}}}}} once to find spans in; it has it {times} times"
        ]
    return []


def _measure_faults(specialist: Specialist) -> list[str]:
    return [
        f"specialist.toml: [measure] {name}: {fault}"
        for name, rule in specialist.manifest.measure.items()
        for fault in rule_faults(rule, specialist.input_schema, specialist.output_schema)
    ]


def _adapter_faults(specialist: Specialist) -> list[str]:
    path, pinned = specialist.adapter_path, specialist.manifest.adapter
    if pinned is None or path is None:
        return []
    if not path.exists():
        return [f"no {ADAPTER}, though [adapter] pins one; train it or remove the table"]
    actual = hashlib.sha256(path.read_bytes()).hexdigest()
    if actual != pinned.sha256:
        return [f"{ADAPTER} has sha256 {actual}, the manifest pins {pinned.sha256}"]
    return []
