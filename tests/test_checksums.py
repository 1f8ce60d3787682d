"""A source is hashed once, and again as soon as it may have changed."""

from __future__ import annotations

import hashlib
import os

import pytest

from mnistkit import checksums
from mnistkit.checksums import sha256_once
from mnistkit.errors import DataError


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"first")
    return path


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def test_a_file_that_stays_as_it_is_is_read_once(file):
    before = checksums._sha256_of.cache_info().misses

    assert {sha256_once(file) for _ in range(3)} == {sha256(b"first")}
    assert checksums._sha256_of.cache_info().misses == before + 1


def test_a_file_that_grew_is_read_again(file):
    sha256_once(file)
    file.write_bytes(b"first and more")

    assert sha256_once(file) == sha256(b"first and more")


def test_a_file_of_the_same_size_and_another_time_is_read_again(file):
    sha256_once(file)
    file.write_bytes(b"other")
    os.utime(file, ns=(0, 1))

    assert sha256_once(file) == sha256(b"other")


def test_another_file_of_the_same_name_is_read_again(file, tmp_path):
    sha256_once(file)
    (tmp_path / "new").write_bytes(b"other")
    (tmp_path / "new").replace(file)

    assert sha256_once(file) == sha256(b"other")


def test_what_is_no_file_is_refused_each_time(tmp_path):
    for _ in range(2):
        with pytest.raises(DataError, match="not a file"):
            sha256_once(tmp_path)
