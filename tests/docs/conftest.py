"""A small dataset that stands for the published MNIST, in the cache where the real one would be."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

import mnistkit
from mnistkit import catalog
from mnistkit.catalog import lookup
from mnistkit.checksums import sha256_of

LENGTHS = {"train": 300, "test": 100}


@pytest.fixture(scope="session")
def small_mnist(tmp_path_factory):
    """The catalogue's entry for MNIST with few drawn images, and the folder with its files."""
    folder = tmp_path_factory.mktemp("published") / "idx"
    mnistkit.export("synthetic:train=300,test=100", "idx", folder, gzip="fast")
    entry = catalog.find("mnist")
    files = {name: _made(file, folder / name) for name, file in entry.files.items()}
    splits = {name: replace(split, length=LENGTHS[name]) for name, split in entry.splits.items()}
    return replace(entry, files=files, splits=splits), folder


def _made(file, path):
    checksums = {"sha256": sha256_of(path)}
    return replace(file, size=path.stat().st_size, checksums=checksums, raw_size=None, raw_checksums={})


@pytest.fixture
def published(small_mnist, tmp_path, monkeypatch):
    """Let ``mnist`` be small, and fetched already; no variable of ours is set."""
    entry, folder = small_mnist
    cache = tmp_path / "cache" / "mnist"
    shutil.copytree(folder, cache, ignore=shutil.ignore_patterns("mnistkit.*"))
    for name in [name for name in os.environ if name.startswith("MNISTKIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("MNISTKIT_CACHE", str(cache.parent))
    monkeypatch.setattr(catalog, "find", lambda name: entry if name == "mnist" else lookup.find(name))


@pytest.fixture
def desk(published, tmp_path, monkeypatch) -> Path:
    """The empty folder where a reader begins."""
    folder = tmp_path / "desk"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder
