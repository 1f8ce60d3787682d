"""Plugins that pip has really installed and that do not work are named, and hurt nothing else."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from contextlib import suppress
from importlib.metadata import version

import environments
import pytest
import strangers

#: Generous: nothing waits so long unless something hangs that must not.
LIMIT = 120


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    """The Python of a fresh environment with all strangers' packages beside the mnistkit under test."""
    place = tmp_path_factory.mktemp("environment")
    return environments.make(place, *strangers.wheels(place))


@pytest.fixture
def run(python, tmp_path):
    """Run the command line in the environment: ``run("export", …, HANG="read")``."""

    def run(*arguments, **variables):
        return subprocess.run(
            [python, "-m", "mnistkit", *map(str, arguments)],
            env=environment(**variables),
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=LIMIT,
        )

    return run


def environment(**variables):
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "HANG", "CRASH")}
    return {**kept, "MNISTKIT_PLUGIN_SECONDS": "3", **variables}


@pytest.fixture(scope="module")
def listed(python, tmp_path_factory):
    """What ``mnistkit plugins --json`` says while one plugin hangs: the process, and what each provides."""
    hanging = tmp_path_factory.mktemp("hanging") / "hanging"
    listing = subprocess.run(
        [python, "-m", "mnistkit", "plugins", "--json"],
        env=environment(HANG="import", HANGING=str(hanging)),
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT,
    )
    plugins = {plugin["distribution"]: plugin for plugin in json.loads(listing.stdout)["plugins"]}
    return listing, plugins


def test_what_works_is_listed_beside_what_does_not(listed):
    listing, plugins = listed

    assert listing.returncode == 0
    assert plugins["mnistkit-good"] == {
        "distribution": "mnistkit-good",
        "version": "1.2",
        "api": [1],
        "formats": [{"name": "good", "module": "mnistkit_good", "status": "ok"}],
        "datasets": [],
        "status": "ok",
        "problems": [],
    }
    assert [each["status"] for each in plugins["mnistkit"]["formats"] if each["name"] == "csv"] == ["ok"]
    assert plugins["mnistkit-loud"]["status"] == "ok"
    assert "hello from the card" in listing.stderr


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("unimportable", "cannot be loaded: found ModuleNotFoundError: No module named 'not_there'"),
        ("quitter", "cannot be loaded: found SystemExit: 0"),
        ("raiser", "cannot be loaded: found BaseException: everything"),
        ("interrupter", "cannot be loaded: found RuntimeError: KeyboardInterrupt"),
        ("nonsense", "mnistkit_register_format: expected one Format, found {'name': 'nonsense'}"),
        ("stuck", "cannot be loaded: expected an end of its import within 3 s"),
    ],
)
def test_what_is_broken_is_named_with_the_reason_and_what_to_do(listed, name, problem):
    found = listed[1][f"mnistkit-{name}"]

    assert found["status"] == "broken"
    todo = f"update or uninstall mnistkit-{name}"
    assert found["problems"] == [f"format '{name}' of mnistkit-{name} 1.2: {problem}; {todo}"]


def test_another_version_of_the_interface_is_told(listed):
    found = listed[1]["mnistkit-future"]

    assert (found["api"], found["status"]) == ([2], "broken")
    said = "other plugin interface: expected 1, found 2; update mnistkit-future or mnistkit"
    assert found["problems"] == [f"format 'future' of mnistkit-future 1.2: {said}"]


def test_a_taken_name_is_told_of_both(listed):
    for claimant in ("mnistkit", "mnistkit-png"):
        (problem,) = listed[1][claimant]["problems"]
        assert problem.startswith("format 'png': claimed twice: found ")
        assert "mnistkit-png 1.2 (mnistkit_png)" in problem
        assert f"mnistkit {version('mnistkit')} (mnistkit_png)" in problem
        assert problem.endswith("; uninstall one of them")


def test_datasets_of_plugins_are_listed(listed):
    found = listed[1]["mnistkit-sets"]

    assert statuses(found["datasets"]) == {"digits": "ok", "lost": "broken"}
    (problem,) = found["problems"]
    assert problem.startswith(
        "dataset 'lost' of mnistkit-sets 1.2: cannot be loaded: found ZeroDivisionError"
    )
    assert problem.endswith("; update or uninstall mnistkit-sets")


def test_all_else_goes_on(run, tmp_path):
    exported = run(
        "export", "synthetic:train=50,test=20", "--to", "good", "--out", "out", "--verify", "--json"
    )
    described = run("info", "out", "--json", HANG="import", HANGING=str(tmp_path / "hanging"))
    copied = run("export", tmp_path / "out", "--to", "csv", "--out", "csv", "--json")

    assert (exported.returncode, described.returncode, copied.returncode) == (0, 0, 0), exported.stderr
    assert json.loads(exported.stdout)["format"] == "good"
    assert json.loads(described.stdout)["splits"]
    assert json.loads(copied.stdout)["digest"] == json.loads(exported.stdout)["digest"]


def test_formats_without_a_receipt_are_told_apart_as_ever(run, tmp_path):
    run("export", "synthetic:train=50,test=20", "--to", "loud", "--out", "out")
    (tmp_path / "out" / "mnistkit.json").unlink()

    described = run("info", "out", "--json")

    assert json.loads(described.stdout)["splits"]
    assert "hello from the card" in described.stderr


CHECKED = ("good", "crasher", "quitter", "loud", "stuck", "png", "idx", "mnistkit-sets")


@pytest.fixture(scope="module")
def checked(python, tmp_path_factory):
    """What ``mnistkit plugins --check --json`` says, one plugin ending its process at once."""
    place = tmp_path_factory.mktemp("checked")
    check = subprocess.run(
        [python, "-m", "mnistkit", "plugins", "--check", "--json", *CHECKED],
        env=environment(CRASH="1", TMPDIR=str(place), MNISTKIT_PLUGIN_SECONDS="30"),
        capture_output=True,
        text=True,
        check=False,
        timeout=5 * LIMIT,
    )
    assert list(place.iterdir()) == [], "litter"
    return check, {plugin["distribution"]: plugin for plugin in json.loads(check.stdout)["plugins"]}


def test_a_check_finds_nothing_wrong_with_what_works(checked):
    check, plugins = checked

    assert check.returncode == 1  # others do not
    assert plugins["mnistkit-good"]["problems"] == []
    assert plugins["mnistkit-good"]["api"] == [1]
    assert statuses(plugins["mnistkit"]["formats"]) == {"idx": "ok", "png": "broken"}
    assert statuses(plugins["mnistkit-sets"]["datasets"]) == {"digits": "ok", "lost": "broken"}


@pytest.mark.parametrize(
    ("name", "problem", "todo"),
    [
        ("crasher", "expected that it can be loaded, found: an end with exit code 0", "tell"),
        ("quitter", "cannot be loaded: found SystemExit: 0", "uninstall"),
        (
            "loud",
            r"expected that its card is light, found: mnistkit_loud prints: 'hello from the card\n'",
            "tell",
        ),
    ],
)
def test_a_check_names_what_it_finds(checked, name, problem, todo):
    advice = {"tell": f"update mnistkit-{name}, or tell those who make it"}
    advice["uninstall"] = f"update or uninstall mnistkit-{name}"

    assert checked[1][f"mnistkit-{name}"]["problems"] == [
        f"format '{name}' of mnistkit-{name} 1.2: {problem}; {advice[todo]}"
    ]


def test_a_check_holds_a_writer_to_its_word(checked):
    problems = checked[1]["mnistkit-stuck"]["problems"]

    assert any("expected that a small dataset comes back, found: " in problem for problem in problems)


CHECKING = """
import sys
from mnistkit.contract.processes import check_plugins
from mnistkit.registry import find_formats
(checked,) = check_plugins(find_formats()["stuck"], seconds=float(sys.argv[1]), workers=1)
print(checked.status, *checked.problem.splitlines(), *checked.faults)
"""


@pytest.mark.parametrize("place", ["import", "class", "write"])
def test_a_check_outlives_a_plugin_that_hangs(python, tmp_path, place):
    check = subprocess.run(
        [python, "-c", CHECKING, "3"],
        env=environment(HANG=place, HANGING=str(tmp_path / "hanging"), MNISTKIT_PLUGIN_SECONDS="600"),
        capture_output=True,
        text=True,
        check=True,
        timeout=LIMIT,
    )

    assert "format 'stuck' of mnistkit-stuck 1.2: expected that " in check.stdout
    assert "found: no end within 3 s; update mnistkit-stuck" in check.stdout


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
@pytest.mark.parametrize("place", ["import", "class", "write", "encode", "read"])
def test_an_export_through_a_plugin_that_hangs_ends_on_ctrl_c(python, tmp_path, place):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "train.stuck").write_bytes(b"?")
    out = ["--out", "out", "--workers", "2"]
    ways = {"read": ["export", "in", "--from", "stuck", "--to", "idx", *out]}
    process = start(
        python,
        tmp_path,
        ways.get(place, ["export", "synthetic:train=50,test=20", "--to", "stuck", *out]),
        HANG=place,
        MNISTKIT_PLUGIN_SECONDS="600",
    )

    process.send_signal(signal.SIGINT)
    printed, said = process.communicate(timeout=LIMIT)

    assert process.returncode == 130, said
    assert said.splitlines()[-1] == "mnistkit: interrupted"
    assert "Traceback" not in said
    assert printed == ""
    assert sorted(path.name for path in tmp_path.iterdir()) == ["hanging", "in"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
def test_ctrl_c_says_which_import_hung(python, tmp_path):
    process = start(python, tmp_path, ["formats"], HANG="import", MNISTKIT_PLUGIN_SECONDS="600")

    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=LIMIT)

    assert "format 'stuck' of mnistkit-stuck 1.2: interrupted while it was imported" in said


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
def test_ctrl_c_ends_a_check_and_what_it_started(python, tmp_path):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    process = start(python, tmp_path, ["plugins", "stuck", "--check"], HANG="write", TMPDIR=str(temporary))

    process.send_signal(signal.SIGINT)
    process.communicate(timeout=LIMIT)

    assert process.returncode == 130
    assert list(temporary.iterdir()) == []
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "hanging").read_text()), 0)


def statuses(provided):
    return {each["name"]: each["status"] for each in provided}


def start(python, folder, arguments, **variables):
    """Start the command line; return once its plugin hangs."""
    hanging = folder / "hanging"
    process = subprocess.Popen(
        [python, "-m", "mnistkit", *arguments],
        env=environment(HANGING=str(hanging), **variables),
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    end = time.monotonic() + LIMIT
    while not hanging.exists() or not hanging.read_text():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end, "it does not hang"
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.02)
    return process
