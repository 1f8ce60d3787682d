"""Whatever a plugin raises or returns, one line names it, and nobody else is blamed."""

from __future__ import annotations

import contextlib
import errno
import threading

import numpy as np
import pytest

import mnistkit
from mnistkit.border import Hanging, plugin_border, shown, within
from mnistkit.dataset import Batch, Dataset, DatasetInfo, SplitInfo
from mnistkit.engine import export as engine
from mnistkit.errors import CapabilityError, DataError, DestinationError, PluginError
from mnistkit.plugin import Reader, Writer, Written


class SpeechlessError(Exception):
    def __str__(self):
        raise RuntimeError


FAULTS = {
    "KeyError": (
        KeyError("boom"),
        PluginError,
        "Faulty: failed while reading: found KeyError: 'boom'; --debug",
    ),
    "OSError": (
        OSError(errno.EIO, "source disk is broken"),
        DataError,
        "cannot be read: expected a readable file, found source disk is",
    ),
    "OSError without words": (
        OSError(),
        DataError,
        "Faulty: cannot be read: expected a readable file, found OSError",
    ),
    "MemoryError": (MemoryError(), DataError, "Faulty: too large for memory"),
    "StopIteration": (StopIteration("early"), PluginError, "Faulty: failed while reading: found "),
    "SystemExit": (SystemExit(3), PluginError, "Faulty: failed while reading: found SystemExit: 3; --debug"),
    "BaseException": (BaseException("bare"), PluginError, "failed while reading: found BaseException: bare"),
    "no words for itself": (
        SpeechlessError(),
        PluginError,
        "failed while reading: found SpeechlessError; --debug",
    ),
    "its own DataError": (DataError("a.bin", "damaged"), DataError, "^a.bin: damaged$"),
}


class Faulty(Reader):
    """Ten images, of which five come before it raises, wherever it is told to raise."""

    def __init__(self, where="", error=None):
        self._where, self._error = where, error

    def info(self):
        self._fail("info")
        split = SplitInfo("train", 10, (2, 2), label_dtype="int64", label_range=(0, 9))
        return DatasetInfo("faulty", (split,))

    def files(self, split):
        self._fail("files")
        return ()

    def prepare(self, splits, progress):
        self._fail("prepare")

    def batches(self, split, start, stop, size):
        yield Batch(np.zeros((5, 2, 2), "u1"), np.arange(5))
        self._fail("batches")
        yield Batch(np.zeros((5, 2, 2), "u1"), np.arange(5))

    def load(self, split, start, stop):
        self._fail("load")

    def _fail(self, place):
        if place == self._where:
            raise self._error


USES = {
    "info": Dataset,
    "files": lambda reader: Dataset(reader)["train"].files(),
    "prepare": lambda reader: Dataset(reader).prepare(),
    "batches": lambda reader: list(Dataset(reader)["train"].batches()),
    "load": lambda reader: Dataset(reader)["train"].load(),
}


@pytest.mark.parametrize("place", USES)
@pytest.mark.parametrize(("error", "kind", "message"), FAULTS.values(), ids=FAULTS)
def test_readers_fail_with_one_line_that_names_them(place, error, kind, message):
    with pytest.raises(kind, match=message) as caught:
        USES[place](Faulty(place, error))

    assert type(caught.value) is kind
    assert "\n" not in str(caught.value)


def test_a_wish_to_stop_passes_the_border():
    with pytest.raises(KeyboardInterrupt):
        list(Dataset(Faulty("batches", KeyboardInterrupt()))["train"].batches())


def test_a_missing_file_is_named(tmp_path):
    gone = tmp_path / "gone.bin"

    with (
        pytest.raises(
            DataError, match=r"gone\.bin: cannot be read: expected a readable file, found No such file"
        ),
        plugin_border("format 'x'", doing="reading"),
    ):
        gone.read_bytes()


def test_an_info_that_is_none_is_refused():
    class Silent(Faulty):
        def info(self):
            return None

    with pytest.raises(PluginError, match=r"Silent: info: expected a DatasetInfo, found None"):
        Dataset(Silent())


def test_what_a_consumer_raises_is_its_own():
    def consume(batches):
        for _ in batches:
            raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        consume(Dataset(Faulty())["train"].batches())


@pytest.mark.parametrize("format", ["idx", "parquet", "png"])
@pytest.mark.parametrize("fault", ["KeyError", "OSError"])
def test_a_broken_source_is_not_blamed_on_destination_or_writer(tmp_path, format, fault):
    error, kind, message = FAULTS[fault]

    with pytest.raises(kind, match=message) as caught:
        mnistkit.export(Dataset(Faulty("batches", error)), format, tmp_path / "out")

    assert "out" not in caught.value.where
    assert not (tmp_path / "out").exists()


class Blaming(Writer):
    """Takes every error of its source for something else."""

    def write(self, folder, part, batches):
        try:
            return Written((), sum(map(len, batches)))
        except ValueError as error:
            raise CapabilityError("blaming", "cannot carry this") from error


class Swallowing(Writer):
    """Takes an error of its source for its end."""

    def write(self, folder, part, batches):
        with contextlib.suppress(ValueError):
            list(batches)
        return Written((), part.rows)


@pytest.fixture
def writer(monkeypatch):
    """Let exports to idx be written by another class."""

    def use(kind):
        monkeypatch.setattr(engine, "load_writer", lambda card: kind)

    return use


@pytest.mark.parametrize("kind", [Blaming, Swallowing])
def test_writers_cannot_hide_what_the_source_failed_of(tmp_path, writer, kind):
    writer(kind)
    broken = Dataset(Faulty("batches", OSError(errno.EIO, "source disk is broken")))

    with pytest.raises(
        DataError, match="cannot be read: expected a readable file, found source disk is broken"
    ):
        mnistkit.export(broken, "idx", tmp_path / "out")


WRITER_FAULTS = {
    "KeyError": (KeyError("boom"), PluginError, "format 'idx': failed while writing: found KeyError: 'boom'"),
    "full disk": (
        OSError(errno.ENOSPC, "No space left"),
        DestinationError,
        "out: cannot be written: found No",
    ),
}


@pytest.mark.parametrize("method", ["write", "finish"])
@pytest.mark.parametrize(("error", "kind", "message"), WRITER_FAULTS.values(), ids=WRITER_FAULTS)
def test_writers_fail_with_one_line_that_names_them(tmp_path, writer, small, method, error, kind, message):
    class Failing(Writer):
        def write(self, folder, part, batches):
            self._fail("write")
            return Written((), sum(map(len, batches)))

        def finish(self, folder, info, written):
            self._fail("finish")

        def _fail(self, place):
            if place == method:
                raise error

    writer(Failing)

    with pytest.raises(kind, match=message):
        mnistkit.export(small, "idx", tmp_path / "out")


def test_writers_say_what_they_have_written(tmp_path, writer, small):
    class Silent(Writer):
        def write(self, folder, part, batches):
            list(batches)

    writer(Silent)

    with pytest.raises(
        PluginError, match="format 'idx': what its writer returns: expected a Written, found None"
    ):
        mnistkit.export(small, "idx", tmp_path / "out")


@pytest.mark.parametrize(
    ("error", "raised"), [(SystemExit(3), SystemExit), (KeyboardInterrupt("mine"), RuntimeError)], ids=repr
)
def test_what_a_function_raises_in_time_comes_out(error, raised):
    def fail():
        raise error

    with pytest.raises(raised, match=r"3|KeyboardInterrupt: mine"):
        within(60, fail)


def test_a_function_that_hangs_is_left_behind():
    released = threading.Event()

    with pytest.raises(Hanging):
        within(0.05, released.wait)

    released.set()
    assert within(60, lambda: 7) == 7


def test_an_object_that_cannot_be_shown_is_named_by_its_type():
    class Shy:
        def __repr__(self):
            raise ValueError

    assert shown(Shy()) == "an object of Shy"
    assert shown("x" * 100) == "'" + "x" * 79
