"""Fuzzes targets, guided by coverage: ``python -m fuzz TARGET… --minutes 10``.

What a run has learnt, inputs that reach new branches, stays in ``build/fuzz`` and is where the next begins.
An input that breaks something is named, and put there too; once it is mended it belongs into the folder
``findings`` beside this file, where the tests replay it.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from fuzz import sanitized
from fuzz.replay import findings, load
from fuzz.targets import TARGETS

_HOME = Path("build", "fuzz")
_SECONDS_AN_INPUT = 60
_MOST_MEGABYTES = 1000
_MOST_MEGABYTES_AT_ONCE = 300
_DONE = re.compile(r"^#(\d+)\s.*\bcov: (\d+) ft: \d+ corp: (\d+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Result:
    """What came of fuzzing one target."""

    name: str
    executions: int
    branches: int
    inputs: int
    found: tuple[Path, ...]

    def __str__(self) -> str:
        found = ", ".join(map(str, self.found)) or "nothing found"
        counts = f"{self.executions:,} executions, {self.branches:,} branches, {self.inputs:,} inputs kept"
        return f"{self.name}: {counts}; {found}"


def main() -> None:
    """Fuzz one target after the other; exit 1 where anything was found."""
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__.splitlines()[0])
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"{', '.join(TARGETS)}; all by default")
    parser.add_argument("--minutes", type=float, default=10, help="for each target")
    chosen = parser.parse_args()
    unknown = set(chosen.targets) - TARGETS.keys()
    if unknown:
        parser.error(f"no target {', '.join(sorted(unknown))}; known: {', '.join(TARGETS)}")
    if importlib.util.find_spec("atheris") is None:
        sys.exit("needs atheris: pip install 'mnistkit[fuzz]'")
    results = []
    for name in chosen.targets or TARGETS:
        results.append(fuzz(name, chosen.minutes))
        print(results[-1], flush=True)
    sys.exit(any(result.found for result in results))


def fuzz(name: str, minutes: float) -> Result:
    """Fuzz a target for some minutes, or until something is found."""
    home = _HOME / name
    corpus, built = home / "corpus", home / "built"
    for folder in (corpus, built):
        folder.mkdir(parents=True, exist_ok=True)
    _put_seeds(name, corpus)
    words = home / "dictionary"
    words.write_text("".join(map(_as_word, load(name).DICTIONARY)))
    arguments = [
        f"-max_total_time={round(60 * minutes)}", f"-timeout={_SECONDS_AN_INPUT}",
        f"-rss_limit_mb={_MOST_MEGABYTES}", f"-malloc_limit_mb={_MOST_MEGABYTES_AT_ONCE}",
        f"-dict={words}", f"-artifact_prefix={home}/", "-reload=0",
        f"-report_slow_units={_SECONDS_AN_INPUT}", corpus,
    ]  # fmt: skip
    before = set(_artifacts(home))
    log = home / "log"
    with log.open("wb") as out:
        command = [sys.executable, "-m", "fuzz.worker", name, built, *arguments]
        code = subprocess.run(
            command, env=_environment(name, built), stderr=out, stdout=out, check=False
        ).returncode
    found = tuple(sorted(set(_artifacts(home)) - before))
    counts = _DONE.findall(log.read_text(errors="replace"))
    if not counts or (code and not found):
        sys.exit(f"{name}: the fuzzer failed with exit code {code}; {log} says why")
    return Result(name, *map(int, counts[-1]), found)


def _artifacts(home: Path) -> list[Path]:
    return [path for kind in ("crash", "timeout", "oom", "slow-unit") for path in home.glob(f"{kind}-*")]


def _put_seeds(name: str, corpus: Path) -> None:
    for data in (*load(name).seeds(), *findings(name)):
        (corpus / sha256(data).hexdigest()[:40]).write_bytes(data)


def _as_word(word: bytes) -> str:
    return '"' + "".join(f"\\x{byte:02x}" for byte in word) + '"\n'


def _environment(name: str, built: Path) -> dict[str, str]:
    """Compile the loops that a target is for; return what the fuzzer's process needs."""
    loops = TARGETS[name].native
    if not loops:
        return dict(os.environ)
    clang = sanitized.compiler()
    if clang is None:
        sys.exit(f"{name}: needs clang: apt-get install clang, or name it in CLANG")
    sanitized.build(loops, clang, built)
    import atheris  # noqa: PLC0415 - told of by main where it is not there

    return {
        **os.environ,
        "LD_PRELOAD": f"{atheris.path()}/asan_with_fuzzer.so",
        "ASAN_OPTIONS": "detect_leaks=0",  # Python itself keeps what it has to its end
        "PYTHONMALLOC": "malloc",  # so that each buffer is guarded by itself
    }


if __name__ == "__main__":
    main()
