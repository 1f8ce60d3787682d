"""A destination, what may be found there, and the proof that a fault has left it whole."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest
from faults.children import Children, Outcome

import mnistkit
from mnistkit.testing import drawn_dataset

FORMATS = ("csv", "mlnet", "idv", "png", "parquet", "hdf5", "npz", "idx")

#: Images of a split that are exported, where fewer than all of them take long enough.
LIMITS = {"png": 150}

#: A user without rights.
NOBODY = 65534

#: What an export finds at its destination.
NOTHING, OLDER = "nothing", "an older export"


def is_root():
    return os.geteuid() == 0


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


def chosen(steps, amount, *seed):
    """Return the numbers of some steps, drawn by a seed; of all where the amount is None."""
    if amount is None or amount >= len(steps):
        return list(range(len(steps)))
    return sorted(random.Random(f"{len(steps)} {seed}").sample(range(len(steps)), amount))


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
        scene = Scene(self, folder, format, there, self.folder / "source")
        scene.reset()
        return scene

    def scene_of_nobody(self, folder, format, there):
        """Set a scene in a folder that anybody may write to, for a user who may do no more than that."""
        shutil.copytree(self.folder / "source", folder / "source")
        scene = Scene(self, folder, format, there, folder / "source", user=NOBODY if is_root() else None)
        scene.reset()
        return scene


@dataclass
class Scene:
    """An export that goes wrong: of the stage's source, to ``out`` in a folder of its own."""

    stage: Stage
    folder: Path
    format: str
    there: str
    source: Path
    user: int | None = None

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
        if self.place.exists():
            shutil.rmtree(self.place)
        self.place.mkdir(parents=True)
        (self.folder / "temporary").mkdir(exist_ok=True)
        if self.there == OLDER:
            shutil.copytree(self.stage.made(self.format, "old"), self.out)
        if self.user is not None:
            for path in (*self.folder.iterdir(), *self.place.rglob("*")):
                os.chown(path, self.user, self.user)

    def start(self, *, children=None, to=None, more=(), environment=None, **how):
        """Start the export, or one like it: by other processes, to another format, with more flags."""
        arguments = ["export", self.source, "--to", to or self.format, "--out", self.out]
        if self.there == OLDER:
            arguments.append("--overwrite")
        if self.format in LIMITS:
            arguments += ["--limit", LIMITS[self.format]]
        environment = {"TMPDIR": str(self.folder / "temporary"), **(environment or {})}
        arguments += ["--workers", 2, *more]
        children = children or self.stage.children
        return children.start(*arguments, environment=environment, user=self.user, **how)

    def export(self, **how) -> Outcome:
        return self.start(**how).wait()

    def accident(self, *what, **when):
        """Describe an accident at a step below the place, or at a line."""
        return {"place": str(self.place), "what": what, **when}

    def steps(self, *, lines=False, **how):
        """Return the steps of an export that goes well, or the lines; everything is then as it was before."""
        log = self.folder / "steps"
        log.unlink(missing_ok=True)
        when = {"line": -1} if lines else {}
        outcome = self.export(accident=self.accident("nothing", log=str(log), **when), **how)
        assert outcome.code == 0, outcome
        self.reset()
        return log.read_text().splitlines()

    def verify(self) -> Outcome:
        return self.stage.children.run("verify", self.out, user=self.user)

    def check_whole(self, *, or_gone=False):
        """Make sure that the destination is the old or the new whole thing, and ``verify`` agrees."""
        verified = self.verify()
        found = tree(self.out)
        assert found in (self.old, self.new) or (or_gone and found is None), sorted(found or {})
        assert verified.code == (1 if found is None else 0), verified
        assert "Traceback" not in verified.err
        return found

    def check_aftermath(self, *, or_gone=False):
        """Make sure that it is whole, that the next run succeeds, and that then nothing else is there."""
        found = self.check_whole(or_gone=or_gone)
        again = self.export()
        refused = found is not None and self.there == NOTHING
        assert again.code == (1 if refused else 0), again
        assert not refused or "exists already" in again.err
        assert tree(self.out) == self.new
        assert names(self.place) == ["out"]
        assert names(self.folder / "temporary") == []
