"""Until an export is whole, nobody else can look into it or put anything there, and nothing else is made."""

from __future__ import annotations

import os
import stat

import pytest
from hostile.names import tree
from same_bytes import WAYS

import mnistkit
from mnistkit.engine import export as engine
from mnistkit.testing import drawn_dataset

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has other rights")

SMALL = drawn_dataset(20, 10, shape=(3, 3))


def modes(folder):
    return {
        path.relative_to(folder).as_posix(): stat.S_IMODE(path.lstat().st_mode) for path in folder.rglob("*")
    }


@pytest.fixture
def at_the_end(monkeypatch):
    """Look at the folder of the destination when all is written and nothing published."""
    seen, sync = {}, engine.sync_export

    def look(folder):
        seen.update(modes(folder.parents[1]))
        sync(folder)

    monkeypatch.setattr(engine, "sync_export", look)
    return seen


@pytest.mark.parametrize("way", WAYS)
def test_an_export_in_the_making_is_its_owners_alone(tmp_path, at_the_end, way, monkeypatch):
    before = os.umask(0)
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    (tmp_path / "exports").mkdir()
    try:
        mnistkit.export(SMALL, WAYS[way].format, tmp_path / "exports" / "out", **WAYS[way].options)
    finally:
        os.umask(before)

    (scratch,) = [name for name in at_the_end if "/" not in name]
    assert scratch.startswith(".out.mnistkit-")
    assert at_the_end[scratch] == 0o700
    assert all(name.startswith(f"{scratch}/") for name in at_the_end if name != scratch)
    assert list(tree(tmp_path / "temporary")) == []
    assert set(modes(tmp_path / "exports").values()) <= {0o777, 0o666}  # published: as the umask says
    assert {name.partition("/")[0] for name in tree(tmp_path)} == {"exports", "temporary"}
