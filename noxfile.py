"""What contributors run: ``nox`` for everything usual, ``nox -s NAME`` for one of ``nox --list``."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import nox

LEAST_NOTICED = 0.9

nox.options.sessions = ["lint", "types", "tests", "docs"]


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, and what may import what."""
    session.install("-e", ".[dev]")
    session.run("ruff", "format", "--check", ".")
    session.run("ruff", "check", ".")
    session.run("lint-imports")


@nox.session
def types(session: nox.Session) -> None:
    """Check types."""
    session.install("-e", ".[dev]")
    session.run("mypy")


@nox.session(python=["3.11", "3.12", "3.13"])
def tests(session: nox.Session) -> None:
    """Run all tests; those that need published files or ML.NET skip where these are not."""
    session.install("-e", ".[test]")
    session.run("pytest", "-n", "auto", *session.posargs)


@nox.session
def campaigns(session: nox.Session) -> None:
    """Run the long campaigns: kills, full disks, fuzzing, flipped bytes; all, or those that are named."""
    session.install("-e", ".[test]")
    session.run("pytest", "-m", "campaign", *session.posargs)


@nox.session
def fuzz(session: nox.Session) -> None:
    """Fuzz parsers and compiled loops, which need clang: ``nox -s fuzz -- csv native_png --minutes 10``."""
    session.install("-e", ".[fuzz]")
    session.run("python", "-m", "fuzz", *session.posargs, env={"PYTHONPATH": "tests"})


@nox.session
def mutants(session: nox.Session) -> None:
    """Break IDX codec, digest and registry in a thousand small ways; tests must notice nine of ten."""
    session.install("-e", ".[mutants]")
    session.run("mutmut", "run", *session.posargs)
    session.run("mutmut", "results")
    session.run("mutmut", "export-cicd-stats")
    counts = json.loads(Path("mutants", "mutmut-cicd-stats.json").read_text())
    noticed, all_ = counts["killed"] + counts["timeout"], counts["total"] - counts["skipped"]
    session.log(f"{noticed} of {all_} mutants noticed: {noticed / all_:.1%}")
    if noticed < LEAST_NOTICED * all_:
        session.error(f"expected {LEAST_NOTICED:.0%} at least")


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation into docs/_build; a warning is an error."""
    session.install("-e", ".[docs]")
    session.run(
        "sphinx-build", "-W", "--keep-going", "-q", "-b", "html", "docs", "docs/_build", *session.posargs
    )


@nox.session
def consumers(session: nox.Session) -> None:
    """Run the documentation's code for packages that the tests do without."""
    session.install(
        "-e", ".[test]", "datasets", "opencv-python-headless", "keras", "tensorflow-cpu", "torchvision"
    )
    session.run("pytest", "tests/docs/test_blocks.py", "-k", "not_every_machine", *session.posargs)


@nox.session
def mlnet(session: nox.Session) -> None:
    """Set ML.NET up and take exports into it; MNISTKIT_TEST_DATA names the published files."""
    session.install("-e", ".[test]")
    session.run("pytest", *(session.posargs or ["tests/mlnet"]), env={"MNISTKIT_MLNET": _ml_net(session)})


@nox.session
def mlnet_table(session: nox.Session) -> None:
    """Print what each entrance of ML.NET costs: ``nox -s mlnet_table -- FOLDER_WITH_MNIST``."""
    session.install("-e", ".")
    session.run(
        "python", "-m", "mlnet.table", _ml_net(session), *session.posargs, env={"PYTHONPATH": "tests"}
    )


def _ml_net(session: nox.Session) -> str:
    """Return the folder with ML.NET, made at the first call; skip the session where there can be none."""
    folder = str(session.cache_dir / "ml.net")
    code = subprocess.run(  # noqa: S603 - the project's own script
        [sys.executable, "tests/mlnet/setup.py", folder, "--csharp", "--images"], check=False
    ).returncode
    if code == 3:
        session.skip("no ML.NET on this machine; the line above says why")
    if code not in (0, 4):
        session.error("tests/mlnet/setup.py failed")
    return folder


@nox.session
def bench(session: nox.Session) -> None:
    """Measure beside peers and limits: nox -s bench -- --only 'csv-*' --wait 30."""
    session.install("-e", ".[bench]")
    session.run("python", "-m", "benchmarks", *session.posargs)
