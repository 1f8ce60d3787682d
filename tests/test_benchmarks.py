"""The benchmarks measure what they say: pairs, checked outputs, and whatever is missing named."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import benchmark_jobs
import numpy as np
import pytest

from benchmarks import checks, report
from benchmarks.data import REAL_DATA, prepare
from benchmarks.jobs import JOBS
from benchmarks.model import Side, WrongOutput
from benchmarks.racing import Record, Sample, empty, race
from benchmarks.ratios import compare, conclude

REPOSITORY = Path(__file__).parent.parent

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="the benchmarks start children as POSIX has it"
)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv(REAL_DATA, raising=False)
        return prepare(tmp_path_factory.mktemp("source") / "data", rows=20, workers=2)


def _run(name, data, scratch):
    """Run a job of ``benchmark_jobs`` for two rounds: the result, and its comparisons by name."""
    (job,) = (job for job in benchmark_jobs.JOBS if job.name == name)
    records = race(job, data, scratch / "scratch", rounds=2, module="benchmark_jobs")
    result = conclude(job, records)
    return result, {c.record.side.name: c for c in result.comparisons}


@pytest.fixture(scope="module")
def written(data, tmp_path_factory):
    return _run("write", data, tmp_path_factory.mktemp("written"))


def _side(role="peer", **more):
    return Side(name="side", role=role, setup=lambda _: lambda _: None, **more)


def _record(*seconds, role="peer", rounds=None, peak=None, others=0.0, size=0, **more):
    samples = [
        Sample(number, s, peak, s, others, size)
        for number, s in zip(rounds or range(1, 9), seconds, strict=False)
    ]
    return Record(_side(role, **more), samples)


def test_a_job_runs_and_each_side_that_can_be_measured_is(written):
    result, found = written

    assert result.ours.trouble is None
    assert [sample.round for sample in result.ours.samples] == [1, 2]
    assert all(sample.seconds > 0 for sample in result.ours.samples)
    assert all(sample.size == 20 * 784 for sample in result.ours.samples)
    assert (found["same"].pairs, found["same"].met) == (2, True)
    assert (found["out of reach"].pairs, found["out of reach"].met) == (2, False)
    assert (found["command"].pairs, found["command"].met) == (2, None)


def test_a_wrong_output_is_refused(written):
    result, found = written

    assert found["wrong"].record.trouble == "wrong output: other pixels than the source's"
    assert (found["wrong"].value, found["wrong"].met) == (None, None)
    assert found["wrong"].record.samples == []
    assert "| wrong output |" in report.table([result])


def test_a_missing_peer_is_said(written):
    result, found = written

    assert found["absent"].record.trouble == "missing: no_such_module"
    assert "write, absent: missing: no_such_module" in report.left_out([result])
    assert "- write, absent: missing: no_such_module" in report.markdown([result], {})


def test_a_peer_that_fails_stops_nobody_else(written):
    _, found = written

    assert found["failing"].record.trouble == "failed: RuntimeError: out of luck"
    assert found["failing command"].record.trouble == "failed: exit status 1: no luck"


def test_what_is_read_is_checked_too(data, tmp_path):
    result, found = _run("read", data, tmp_path)

    assert result.ours.trouble is None
    assert found["same"].pairs == 2
    assert found["wrong"].record.trouble == "wrong output: other labels than the source's"


def test_commands_leave_bytecode_as_an_installation_does(data, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")

    result, _ = _run("bytecode", data, tmp_path)

    assert result.ours.trouble is None


def test_no_figure_counts_if_ours_is_wrong(data, tmp_path):
    result, found = _run("ours-wrong", data, tmp_path)

    assert result.ours.trouble == "wrong output: other pixels than the source's"
    assert (found["same"].value, found["same"].met) == (None, None)


def test_memory_is_that_of_the_child_alone(data, tmp_path):
    held = np.ones(50 << 20, np.uint8)  # a child's peak would begin with that of its parent

    result, found = _run("memory", data, tmp_path)

    assert held.any()
    assert 95 < found["base"].value < 125
    assert found["base"].met is False
    assert found["base"].record.samples[0].peak < 30 << 20
    assert "≤ 64 MiB" in report.table([result])


def test_ratios_are_medians_of_pairs():
    ours, peer = _record(1.0, 2.0, 10.0), _record(9.0, 2.0, 30.0)

    found = compare(ours, peer)

    assert (found.value, found.least, found.greatest) == (3.0, 1.0, 9.0)  # of medians it would be 4.5


def test_pairs_are_of_the_same_round():
    ours, peer = _record(1.0, 2.0, 4.0), _record(8.0, 40.0, rounds=[2, 3])

    found = compare(ours, peer)

    assert (found.pairs, found.value) == (2, 7.0)


@pytest.mark.parametrize(
    ("role", "goal", "met"),
    [
        ("peer", 4, True),
        ("peer", 4.1, False),
        ("limit", 0.25, True),
        ("limit", 0.2, False),
        ("part", None, None),
    ],
)
def test_a_goal_is_met_or_missed(role, goal, met):
    ours, other = _record(1.0), _record(4.0, role=role, goal=goal)

    assert compare(ours, other).met is met


@pytest.mark.parametrize(("size", "met"), [(1010, True), (1011, False)])
def test_a_goal_of_size_is_met_or_missed(size, met):
    ours, peer = _record(1.0, size=size), _record(4.0, size=1000, goal=2, size_at_most=1.01)

    assert compare(ours, peer).met is met


def test_dirty_rounds_are_counted():
    ours, peer = _record(1.0, 1.0, others=0.5), _record(1.0, 1.0, 1.0)

    assert compare(ours, peer).dirty == 2
    assert compare(peer, peer).dirty == 0


def _check_csv(data, folder, text):
    folder.mkdir()
    (folder / "a.csv").write_bytes(text)
    checks.csv_text(data, folder, None)


def test_the_same_text_is_accepted(data, tmp_path):
    _check_csv(data, tmp_path / "out", data.csv.read_bytes())


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda text: text[:-1], id="shorter"),
        pytest.param(lambda text: text + b"\n", id="longer"),
        pytest.param(lambda text: text[:9000] + b"x" + text[9001:], id="one byte"),
    ],
)
def test_another_text_is_refused(data, tmp_path, change):
    with pytest.raises(WrongOutput, match="other bytes than expected"):
        _check_csv(data, tmp_path / "out", change(data.csv.read_bytes()))


def test_emptying_spares_what_has_another_name(tmp_path):
    (tmp_path / "out" / "a").mkdir(parents=True)
    (tmp_path / "out" / "a" / "b").write_bytes(b"written")
    (tmp_path / "source").write_bytes(b"source")
    (tmp_path / "out" / "linked").hardlink_to(tmp_path / "source")

    empty(tmp_path / "out")

    assert (tmp_path / "out" / "a" / "b").read_bytes() == b""
    assert (tmp_path / "source").read_bytes() == b"source"


def test_an_unknown_job_is_refused(tmp_path):
    command = [sys.executable, "-m", "benchmarks", "--only", "csv-wrote", "--out", tmp_path / "out"]

    done = subprocess.run(command, cwd=REPOSITORY, check=False, capture_output=True, text=True)

    assert done.returncode == 2
    assert "--only csv-wrote: no such job; see --list" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_list_of_jobs_imports_no_peer_and_not_us():
    modules = {name for job in JOBS for side in job.sides for name in side.needs} | {"mnistkit"}
    code = "import sys, benchmarks.jobs; print(*{name.partition('.')[0] for name in sys.modules})"

    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, check=True, capture_output=True, text=True
    )

    assert len(modules) > 5
    assert modules & set(done.stdout.split()) == set()


def test_names_of_jobs_are_unique_and_their_sides_too():
    assert len({job.name for job in JOBS}) == len(JOBS)
    for job in JOBS:
        assert len({side.name for side in job.sides}) == len(job.sides), job.name


def test_the_command_measures_real_jobs_and_writes_its_results(tmp_path):
    chosen = ["--only", "csv-export", "--only", "idx-first-batch", "--rows", "30", "--rounds", "1"]
    command = [sys.executable, "-m", "benchmarks", *chosen, "--scratch", tmp_path, "--out", tmp_path / "out"]

    done = subprocess.run(command, cwd=REPOSITORY, check=False, capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "out" / "benchmarks.json").read_text(encoding="utf-8"))
    assert [job["name"] for job in found["jobs"]] == ["csv-export", "idx-first-batch"]
    assert all(len(job["ours"]["samples"]) == 1 for job in found["jobs"])
    assert found["versions"]["numpy"] == np.__version__
    assert "| csv-export | " in (tmp_path / "out" / "benchmarks.md").read_text(encoding="utf-8")
    assert [path.name for path in tmp_path.iterdir()] == ["out"], "scratch is left"
