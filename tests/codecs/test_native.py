"""The compiled loops: the same as the pure lane, clean under sanitizers, chosen and told of as promised."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mnistkit import native
from mnistkit.codecs.text import Layout, encode, pure
from mnistkit.codecs.text.decode import decode, survey
from mnistkit.codecs.text.lane import lane
from mnistkit.codecs.text.lines import Block
from mnistkit.errors import DataError, UsageError

HERE = Path(__file__).parent
SOURCES = sorted(Path(native.__file__).parent.glob("*.c"))
LAYOUTS = [
    Layout(b",", (2, 3), before=("label",), label=0),
    Layout(b"\t", (2, 3), after=("label",), label=0),
    Layout(b" ", (1, 9)),
    Layout(b";", (1, 1), before=("id", "fold"), after=("label",), label=2),
]
CELLS = st.one_of(
    st.integers(0, 255).map(str),
    st.integers(0, 9).map(str),
    st.sampled_from(["256", "300", "0007", "12345", "-1", "", "x", " 5", '"5"', "5.0", "9" * 18, "9" * 19]),
)

needs_native = pytest.mark.skipif(native.state() != "in use", reason=f"compiled loops: {native.state()}")


@pytest.fixture
def off(monkeypatch):
    monkeypatch.setenv("MNISTKIT_NATIVE", "0")


def in_both_lanes(job):
    """Do a job in each lane and return what comes of it: values, or the message of the refusal."""
    outcomes = []
    for wanted in ("1", "0"):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("MNISTKIT_NATIVE", wanted)
            try:
                outcomes.append(job())
            except DataError as error:
                outcomes.append(str(error))
    return outcomes


@needs_native
@given(data=st.data())
def test_both_lanes_read_the_same_and_refuse_in_the_same_words(data):
    layout = data.draw(st.sampled_from(LAYOUTS))
    rows = [[data.draw(st.integers(0, 255).map(str)) for _ in range(layout.cells)] for _ in range(3)]
    for _ in range(data.draw(st.integers(0, 2))):
        row = data.draw(st.sampled_from(rows))
        row[data.draw(st.integers(0, layout.cells - 1))] = data.draw(CELLS)
    end = data.draw(st.sampled_from(["\n", "\r\n"]))
    text = "".join(layout.separator.decode().join(row) + end for row in rows).encode()
    block = Block(text, 7, 0)

    def reading():
        decoded = decode(block, layout, path=Path("train.csv"))
        columns, starts = survey(block, layout, path=Path("train.csv"))
        assert starts.tolist() == pure.starts(text).tolist()
        assert [column.tolist() for column in columns] == [column.tolist() for column in decoded.integers]
        return decoded.pixels.tolist(), [column.tolist() for column in columns]

    compiled, bare = in_both_lanes(reading)

    assert compiled == bare


@needs_native
@given(text=st.text("0123456789,\r\n-", max_size=80).map(str.encode))
def test_both_lanes_call_the_same_text_plain(text):
    layout = Layout(b",", (1, 2), before=("label",), label=0)
    unusual = [cell for cell in text.replace(b"\n", b",").split(b",") if len(cell.strip(b"\r")) > 3]

    def plain():
        found = lane().decode(text, layout)
        return None if found is None else (found[0].tolist(), found[1][0].tolist())

    def judged():
        return lane().survey(text, layout) is not None

    compiled, bare = in_both_lanes(plain)

    # The pure lane takes more zeros in front of a pixel than the compiled one, which leaves them to the
    # exact reader.
    assert compiled == bare or (unusual and compiled is None)
    assert in_both_lanes(judged) == [compiled is not None, bare is not None]
    assert in_both_lanes(lambda: lane().starts(text).tolist()) == [pure.starts(text).tolist()] * 2
    assert in_both_lanes(lambda: lane().count(text)) == [text.count(b"\n")] * 2


@needs_native
@pytest.mark.parametrize("label", ["first", "last", None])
@pytest.mark.parametrize("values", [1, 2, 3, 7, 8, 9, 784])
@settings(max_examples=40, deadline=None)  # the first example imports Arrow
@given(data=st.data())
def test_both_lanes_write_the_same(values, label, data):
    rows = data.draw(st.integers(0, 3))
    seed = data.draw(st.integers(0, 2**32 - 1))
    drawn = np.random.default_rng(seed)
    images = drawn.integers(0, 256, (rows, 1, values), np.uint8) * drawn.integers(
        0, 2, (rows, 1, values), np.uint8
    )
    labels = None if label is None else drawn.integers(-(2**63), 2**63 - 1, rows, endpoint=True)

    compiled, bare = in_both_lanes(lambda: encode(images, labels, separator=b";", label=label or "first"))

    assert compiled == bare


@pytest.mark.parametrize("label", ["first", "last", None])
@pytest.mark.parametrize("values", [1, 2, 3, 64, 512, 515, 1028, 2000])
def test_both_lanes_write_zeros_however_many_follow_each_other(values, label):
    images, labels = np.zeros((5, 1, values), np.uint8), None if label is None else np.arange(5)
    images[1, 0, -1], images[2, 0, values // 2] = 7, 100
    rows = [[*map(int, image[0])] for image in images]
    if label is not None:
        rows = [[i, *row] if label == "first" else [*row, i] for i, row in enumerate(rows)]
    text = "".join(",".join(map(str, row)) + "\n" for row in rows).encode()

    assert in_both_lanes(lambda: encode(images, labels, separator=b",", label=label or "first")) == [text] * 2


@needs_native
def test_the_loops_refuse_buffers_that_do_not_fit():
    from mnistkit.native import text as loops  # noqa: PLC0415 - is not there in every build

    pixels, integers = np.zeros((1, 2), np.uint8), np.zeros((1, 1), np.int64)

    for job, message in (
        (lambda: loops.encode(pixels, None, 3, ord(","), False), "pixels: expected 0 bytes, found 2"),
        (
            lambda: loops.encode(pixels, integers[:, :0], 2, ord(","), False),
            "labels: expected 8 bytes, found 0",
        ),
        (lambda: loops.encode(pixels, None, 0, ord(","), False), "values: 0 is out of range"),
        (lambda: loops.encode(pixels, None, 2, ord("1"), False), "separator: 49 is no separator"),
        (
            lambda: loops.decode(b"1,2\n", ord(","), 0, 2, 0, integers, pixels),
            "integers: expected 0 bytes",
        ),
        (
            lambda: loops.decode(b"1,2\n", ord(","), 1, 2, 0, integers, np.zeros(3, np.uint8)),
            "pixels: expected 2 bytes, found 3",
        ),
        (
            lambda: loops.decode(b"1,2\n", ord(","), -1, 2, 0, integers, pixels),
            "before: -1 is out of range",
        ),
        (
            lambda: loops.decode(b"1,2\n", ord(","), 0, 2**62, 0, integers, pixels),
            "values: .* is out of range",
        ),
        (lambda: loops.survey(b"1,2\n", ord(","), 0, 2, 0, integers, integers), "integers: expected 0 bytes"),
        (lambda: loops.survey(b"1,2\n", ord(","), 1, 1, 0, integers, pixels), "starts: expected 0 bytes"),
    ):
        with pytest.raises(ValueError, match=message):
            job()
    with pytest.raises(TypeError, match="read-write"):
        loops.decode(b"1,2\n", ord(","), 0, 2, 0, integers[:0], bytes(2))


def sanitizer(source, tmp_path):
    """Compile loops with sanitizers; return the library and what must be loaded before Python."""
    compiler = (sysconfig.get_config_var("CC") or "cc").split()[0]
    include, library = sysconfig.get_paths()["include"], tmp_path / f"{source.stem}.so"
    flags = [
        "-std=c99",
        "-O1",
        "-g",
        "-fPIC",
        "-shared",
        "-Wall",
        "-Wextra",
        "-Werror",
        "-DPy_LIMITED_API=0x030B0000",
    ]
    flags += ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", f"-I{include}"]
    try:
        subprocess.run([compiler, *flags, source, "-o", library], check=True, capture_output=True, text=True)
        found = subprocess.run(
            [compiler, "-print-file-name=libasan.so"], check=True, capture_output=True, text=True
        )
    except FileNotFoundError:
        pytest.skip(f"no compiler {compiler}")
    except subprocess.CalledProcessError as error:
        if "asan" in error.stderr or "sanitize" in error.stderr:
            pytest.skip(f"{compiler} has no sanitizers")
        raise AssertionError(error.stderr) from error
    return library, found.stdout.strip()


@pytest.mark.skipif(sys.platform != "linux", reason="sanitizers are loaded the way of Linux")
@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_the_loops_are_clean_under_sanitizers(source, tmp_path):
    library, runtime = sanitizer(source, tmp_path)
    environment = {
        **os.environ,
        "LD_PRELOAD": runtime,
        "ASAN_OPTIONS": "detect_leaks=0",  # Python itself keeps what it has to its end
        "PYTHONMALLOC": "malloc",  # so that each buffer is guarded by itself
    }

    run = subprocess.run(
        [sys.executable, HERE / f"{source.stem}_corpus.py", library, "1500"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert run.returncode == 0, run.stderr
    assert run.stdout == "1500 cases hold\n"


WRONG = {
    "text": "def count(t): return 0\ndef starts(t): return b''\ndef decode(*a): return 0\n",
    "png": "def decode(*a): return bytes([0, 1, 0])\n",
    "files": "def create(*a): return len(a[2])\ndef read(*a): return []\n",
}


@pytest.mark.parametrize("name", WRONG)
def test_the_corpus_finds_a_wrong_loop(name, tmp_path):
    """A corpus that cannot fail proves nothing."""
    broken = tmp_path / f"{name}.py"
    broken.write_text(WRONG[name])

    run = subprocess.run(
        [sys.executable, HERE / f"{name}_corpus.py", broken, "200"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert run.returncode == 1
    assert "AssertionError" in run.stderr or "FileNotFoundError" in run.stderr


def test_the_environment_turns_the_loops_off(off):
    assert native.state() == "off"
    assert lane() is pure


@needs_native
def test_the_loops_are_used_where_they_are_built(monkeypatch):
    monkeypatch.delenv("MNISTKIT_NATIVE", raising=False)

    assert lane().__name__ == "mnistkit.codecs.text.native"


def test_a_bad_switch_is_refused(monkeypatch):
    monkeypatch.setenv("MNISTKIT_NATIVE", "no")

    with pytest.raises(UsageError, match="MNISTKIT_NATIVE: bad value: expected 0 or 1, found no"):
        native.state()


@pytest.mark.parametrize(
    ("error", "state", "problem"),
    [
        (ModuleNotFoundError("No module named 'mnistkit.native.text'"), "not built", ""),
        (ImportError("undefined symbol: PyOops"), "broken", "undefined symbol: PyOops"),
    ],
    ids=["absent", "broken"],
)
def test_without_usable_loops_the_pure_lane_is_taken(monkeypatch, cli, error, state, problem):
    def refuse(name):
        raise error

    monkeypatch.delenv("MNISTKIT_NATIVE", raising=False)
    monkeypatch.setattr(native, "import_module", refuse)
    native._found.cache_clear()
    try:
        assert lane() is pure
        listed = json.loads(cli("plugins", "--json").out)["native"]
        assert listed == {"state": state, "problem": problem}
        assert f"native: {state}" in cli("plugins").out
        assert cli("plugins").out.endswith(f"{problem}\n")
    finally:
        native._found.cache_clear()


def test_plugins_says_that_the_loops_are_off(off, cli):
    assert "native: off, as MNISTKIT_NATIVE=0 says; the pure lanes are used\n" in cli("plugins").out
    assert json.loads(cli("plugins", "--json").out)["native"]["state"] == "off"


@needs_native
def test_plugins_says_that_the_loops_are_in_use(monkeypatch, cli):
    monkeypatch.delenv("MNISTKIT_NATIVE", raising=False)

    assert cli("plugins").out.endswith("\nnative: in use\n")
