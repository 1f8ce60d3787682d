"""The classes of the format that raises where it is told to."""

from __future__ import annotations

from functools import partial

from mnistkit_faulty import fail

from mnistkit.idx.reader import IdxReader
from mnistkit.idx.writer import IdxWriter

fail("codec")


class FaultyWriter(IdxWriter):
    def __init__(self, options):
        fail("new writer")
        super().__init__(options)

    def check(self, info):
        fail("check")
        return super().check(info)

    def write(self, folder, part, batches):
        fail("write")
        written = super().write(folder, part, part.map(partial(_worked, part.stem), batches))
        fail("written")
        return written

    def finish(self, folder, info, written):
        fail("finish")
        return super().finish(folder, info, written)


class FaultyReader(IdxReader):
    def __init__(self, source, options):
        fail("new reader")
        super().__init__(source, options)

    def info(self):
        fail("info")
        return super().info()

    def files(self, split):
        fail("files")
        return super().files(split)

    def prepare(self, splits, progress):
        fail("prepare")
        super().prepare(splits, progress)

    def batches(self, split, start, stop, size):
        fail("first batch")
        yield from super().batches(split, start, stop, size)
        if split == "test":
            fail("last batch")


def _worked(stem, batch):
    if stem == "test":
        fail("worker")
    return batch
