"""Files that can and cannot be made and read by the compiled loops; run as text_corpus.py is."""

from __future__ import annotations

import os
import random
import sys
from itertools import accumulate
from pathlib import Path
from tempfile import TemporaryDirectory

from text_corpus import load

LARGEST, MOST = 100_000, 300_000


def joined(names):
    return os.fsencode("".join(f"{name}\0" for name in names))


def drawn(rng, i):
    """Return a name and content of a file."""
    name = rng.choice(["", "sub/", "x" * 200, "ключ", "\udcff"]) + str(i)
    return name, rng.randbytes(rng.choice([0, 1, 275, 4096, rng.randrange(LARGEST)]))


def check(loops, rng, path, folder):
    files = dict(drawn(rng, i) for i in range(rng.randint(0, 9)))
    bad = rng.randint(0, len(files)) if rng.random() < 0.5 else None
    names, contents = list(files), list(files.values())
    if bad is not None:
        names.insert(bad, rng.choice(["gone/1", "sub", "y" * 300, ""]))
        contents.insert(bad, b"x")
    whole = len(names) if bad is None else bad

    assert loops.create(folder, joined(names), tuple(contents)) == whole
    for name, content in zip(names[:whole], contents, strict=False):
        assert Path(path, name).read_bytes() == content
    for most in (MOST, rng.randrange(MOST), sum(map(len, contents[:whole]))):
        assert loops.read(folder, joined(names), most) == contents[: fitting(contents[:whole], most)]


def fitting(contents, most):
    """Return how many of the first files have so many bytes together, at most."""
    return sum(size <= most for size in accumulate(map(len, contents)))


def main(library, cases):
    loops, rng = load(library, "files"), random.Random(1988)
    with TemporaryDirectory() as path:
        Path(path, "sub").mkdir()
        folder = os.open(path, os.O_RDONLY)
        for _ in range(cases):
            check(loops, rng, path, folder)
    sys.stdout.write(f"{cases} cases hold\n")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
