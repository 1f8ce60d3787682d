"""Deflate: any zlib inflates it, and its bytes are the same on every machine and any number of threads."""

from __future__ import annotations

import gzip
import hashlib
import io
import threading
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import mnistkit
from mnistkit.codecs import deflate
from mnistkit.codecs.deflate import GzipWriter
from mnistkit.dataset import DTYPES


def gzipped(pieces, *, workers=1, itemsize=1, file=None):
    file = file or io.BytesIO()
    with GzipWriter(file, itemsize=itemsize, workers=workers) as packed:
        for piece in pieces:
            packed.write(piece)
    return file.getvalue()


@given(hnp.arrays(st.sampled_from(DTYPES), hnp.array_shapes(max_dims=4)))
@settings(deadline=None)
def test_zlib_inflates_what_is_packed(values):
    assert zlib.decompress(deflate.pack(values)) == values.tobytes()


@pytest.mark.parametrize("level", range(10))
def test_zlib_inflates_every_level(level):
    values = np.tile(np.arange(251, dtype="u1"), 40)

    assert zlib.decompress(deflate.pack_at(values, level)) == values.tobytes()


@given(st.lists(st.binary(max_size=50)), st.sampled_from([1, 2, 8]), st.integers(1, 3))
@settings(deadline=None)
def test_gzip_unpacks_what_is_written(pieces, itemsize, workers):
    packed = gzipped(pieces, workers=workers, itemsize=itemsize)

    assert gzip.decompress(packed) == b"".join(pieces)


def test_bytes_of_gzip_depend_on_neither_threads_nor_pieces():
    data = np.random.default_rng(0).integers(0, 4, 3_500_000, "u1").tobytes()

    whole = gzipped([data])

    assert gzip.decompress(whole) == data
    assert gzipped([data[i : i + 999_999] for i in range(0, len(data), 999_999)], workers=3) == whole


def test_bytes_are_the_same_on_every_machine():
    drawn = mnistkit.open("synthetic:train=300,test=0")["train"].load().images

    found = [deflate.pack(drawn), deflate.pack(drawn.astype("u2")), gzipped([drawn.tobytes()])]

    digests = [hashlib.sha256(data).hexdigest()[:16] for data in found]
    assert digests == ["61fd84e74484902b", "d62b625e1b79dd62", "29c1d4c44e0e4a8f"]


def test_a_failure_leaves_no_thread_and_no_end():
    def pieces():
        yield bytes(3_000_000)
        raise ZeroDivisionError

    file, before = io.BytesIO(), threading.active_count()

    with pytest.raises(ZeroDivisionError):
        gzipped(pieces(), workers=2, file=file)

    assert threading.active_count() == before
    with pytest.raises(EOFError):
        gzip.decompress(file.getvalue())
