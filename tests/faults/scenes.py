"""A destination, what may be found there, and the proof that a fault has left it whole."""

from __future__ import annotations

import hashlib
import random
import shutil
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest
from faults.children import Children, Outcome

import mnistkit
from mnistkit.testing import drawn_dataset

FORMATS = ("csv", "mlnet", "idv", "png", "parquet", "hdf5", "idx")

#: Images of a split that are exported, where fewer than all of them take long enough.
LIMITS = {"png": 150}

#: What an export finds at its destination.
NOTHING, OLDER = "nothing", "an older export"


def tree(folder):
    """Return the SHA-256 of each file by its name, or None where there is no such folder."""
    if not folder.is_dir():
        return None
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def amounts(usual, campaign):
    """Parametrize how often a test tries: as usual, and in the campaign; None is as often as can be."""
    many = pytest.param(campaign, marks=pytest.mark.campaign)
    return pytest.mark.parametrize("amount", [usual, many], ids=["some", "many"])


def chosen(steps, amount):
    """Return the numbers of some steps, drawn by a seed; of all where the amount is None."""
    if amount is None or amount >= len(steps):
        return list(range(len(steps)))
    return sorted(random.Random(len(steps)).sample(range(len(steps)), amount))


class Stage:
    """What all scenes share: the processes, a source, and one older and one newer export of each format."""

    def __init__(self, folder: Path, children: Children):
        self.folder, self.children = folder, children
        self._made = {}
        mnistkit.export(drawn_dataset(train=1500, test=300), "idx", folder / "source")

    def made(self, format, which):
        """Return the folder of an export that went well, ``old`` or ``new``."""
        if (format, which) not in self._made:
            folder = self.folder / f"{which}-{format}"
            source = drawn_dataset(train=70, test=9) if which == "old" else self.folder / "source"
            mnistkit.export(source, format, folder, limit=LIMITS.get(format))
            self._made[format, which] = folder
        return self._made[format, which]

    def scene(self, folder, format, there=NOTHING):
        scene = Scene(self, folder, format, there)
        scene.reset()
        return scene


@dataclass
class Scene:
    """An export that goes wrong: of the stage's source, to ``out`` in a folder of its own."""

    stage: Stage
    folder: Path
    format: str
    there: str

    @property
    def place(self) -> Path:
        return self.folder / "place"

    @property
    def out(self) -> Path:
        return self.place / "out"

    @cached_property
    def old(self):
        return tree(self.stage.made(self.format, "old")) if self.there == OLDER else None

    @cached_property
    def new(self):
        return tree(self.stage.made(self.format, "new"))

    def reset(self):
        """Make everything as it was before the export."""
        shutil.rmtree(self.place, ignore_errors=True)
        self.place.mkdir(parents=True)
        (self.folder / "temporary").mkdir(exist_ok=True)
        if self.there == OLDER:
            shutil.copytree(self.stage.made(self.format, "old"), self.out)

    def start(self, **more):
        arguments = ["export", self.stage.folder / "source", "--to", self.format, "--out", self.out]
        if self.there == OLDER:
            arguments.append("--overwrite")
        if self.format in LIMITS:
            arguments += ["--limit", LIMITS[self.format]]
        environment = {"TMPDIR": str(self.folder / "temporary")}
        return self.stage.children.start(*arguments, "--workers", 2, environment=environment, **more)

    def export(self, **more) -> Outcome:
        return self.start(**more).wait()

    def accident(self, *what, **when):
        """Describe an accident at a step below the place, or at a line."""
        return {"place": str(self.place), "what": what, **when}

    def steps(self, *, lines=False, **more):
        """Return the steps of an export that goes well, or the lines; everything is then as it was before."""
        log = self.folder / "steps"
        log.unlink(missing_ok=True)
        when = {"line": -1} if lines else {}
        outcome = self.export(accident=self.accident("nothing", log=str(log), **when), **more)
        assert outcome.code == 0, outcome
        self.reset()
        return log.read_text().splitlines()

    def verify(self) -> Outcome:
        return self.stage.children.run("verify", self.out)

    def check_whole(self):
        """Make sure that the destination is the old or the new whole thing, and ``verify`` agrees."""
        verified = self.verify()
        found = tree(self.out)
        assert found in (self.old, self.new), sorted(found or {})
        assert verified.code == (1 if found is None else 0), verified
        assert "Traceback" not in verified.err
        return found

    def check_aftermath(self):
        """Make sure that it is whole, that the next run succeeds, and that then nothing else is there."""
        found = self.check_whole()
        again = self.export()
        refused = found is not None and self.there == NOTHING
        assert again.code == (1 if refused else 0), again
        assert not refused or "exists already" in again.err
        assert tree(self.out) == self.new
        assert names(self.place) == ["out"]
        assert names(self.folder / "temporary") == []
