"""Of exports that run at once to one destination, one is published whole, and the others are refused."""

from __future__ import annotations

import os

import pytest
from faults.scenes import NOTHING, OLDER, amounts, names, tree

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no fork")

RUNNING = "another export to it is running; wait for it to end"
MEANWHILE = (
    "exists already",
    "appeared while the export was written",
    "changed while the export was written",
)


@amounts(3, 40)
@pytest.mark.parametrize(
    "formats", [("idx", "idx"), ("csv", "hdf5"), ("png", "parquet", "idx")], ids="-".join
)
@pytest.mark.parametrize("there", [NOTHING, OLDER])
def test_exports_to_one_destination(scene, tally, there, formats, amount):
    scenes = [scene(name, there) for name in formats]
    wholes = [one.new for one in scenes]

    for _ in range(amount):
        scenes[0].reset()
        running = [one.start() for one in scenes]
        outcomes = [export.wait() for export in running]
        tally["exports at once"] += len(running)
        ends = {0: 0, 1: 0}
        for outcome in outcomes:
            ends[outcome.code] += 1
            assert outcome.code == 0 or any(why in outcome.err for why in (RUNNING, *MEANWHILE)), outcome
        assert ends[0] >= 1
        assert tree(scenes[0].out) in [w for w, o in zip(wholes, outcomes, strict=True) if o.code == 0]
        assert names(scenes[0].place) == ["out"]
        assert scenes[0].verify().code == 0
