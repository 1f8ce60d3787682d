"""Mistakes as people make them: each takes what a plugin has and returns what does it wrong."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from mnistkit.plugin import Written, hookimpl, option

# Ways to break a function that takes a batch first


def on_batches(change):
    """Change the batch that a function, or a method of a picklable function, is given."""

    def breaking(function):
        def broken(*arguments, **named):
            changed = [change(a) if hasattr(a, "images") else a for a in arguments]
            return function(*changed, **named)

        return broken

    return breaking


def transposed(batch):
    return replace(batch, images=np.ascontiguousarray(batch.images.swapaxes(1, 2)))


def counted_from_1(batch):
    return batch if batch.labels is None else replace(batch, labels=batch.labels + 1)


def through_bytes(batch):
    return replace(batch, images=np.clip(batch.images, 0, 255).astype("uint8").astype(batch.images.dtype))


def narrowed(batch):
    return batch if batch.labels is None else replace(batch, labels=batch.labels.astype("int8"))


def labels_of_the_one_before(function):
    held = []

    def broken(batch, **named):
        held.append(batch.labels)
        labels = held[-2:][0]
        return function(replace(batch, labels=np.resize(labels, len(batch))), **named)

    return broken


# Ways to break a generator


def without_the_last(function):
    def broken(*arguments):
        *items, _ = function(*arguments)
        yield from items

    return broken


def neighbours_swapped(function):
    def broken(*arguments):
        items = list(function(*arguments))
        for i in range(0, len(items) - 1, 2):
            items[i : i + 2] = items[i + 1], items[i]
        yield from items

    return broken


# Ways to break a reader or a writer


def from_the_front(batches):
    return lambda self, split, start, stop, size: batches(self, split, 0, stop - start, size)


def columns_from_the_front(batch):
    def broken(self, images, beside, start):
        found = batch(self, images, beside, start)
        front = {name: self._read(self.beside[name], 0, len(images)) for name in found.extra}
        return replace(found, extra=front)

    return broken


def always_the_same(take):
    taken = {}
    return lambda pool: taken.setdefault(pool, take(pool))


def keeping_views(_):
    def broken(self, batch):
        values = batch.labels if self._name == "label" else batch.extra[self._name]
        self._held.append(values)
        self._bytes += values.nbytes
        if self._bytes >= 1 << 18:
            self.store()

    return broken


def swapped_in_place(_):
    return lambda rows, dtype: (
        rows.byteswap(inplace=True).astype(dtype, copy=False).reshape(-1).view("u1").data
    )


def saying_nothing(finish):
    def broken(self, folder, info, written):
        finish(self, folder, info, written)
        return Written()

    return broken


def schema_of_commas(head):
    return lambda split, classes, names, options: head(
        split, classes, names, replace(options, separator="comma")
    )


def numbered_from_0(numbered):
    return lambda start, batches: numbered(0, batches)


def without_names(folder_of):
    return lambda info, label: folder_of(replace(info, class_names=None), label)


def dated(attributes):
    return lambda info: {**attributes(info), "written": str(time.time_ns())}


def tracking_times(_):
    def broken(file, name, split, shape, dtype, **filters):
        return file.create_dataset(name, (split.length, *shape), dtype, track_times=True, **filters)

    return broken


def of_the_machine(rows, dtype):
    return np.ascontiguousarray(rows, dtype).reshape(-1).view(np.uint8).data


def never_compressed(open_table):
    return lambda file, schema, options: open_table(file, schema, replace(options, compression="none"))


def all_at_once(write_split):
    return lambda begin, columns, batches, folder: write_split(begin, columns, iter(list(batches)), folder)


def waiting_beside(write_split):
    def broken(begin, columns, batches, folder):
        waiting = folder.parent.parent / "waiting.tmp"
        waiting.touch()
        write_split(begin, columns, batches, folder)
        waiting.unlink()

    return broken


# Ways to break a card


def card(**changed):
    def breaking(register):
        return hookimpl(lambda: replace(register(), **changed))

    return breaking


@dataclass(frozen=True, kw_only=True)
class Unexplained:
    layout: Literal["tree", "flat"] = option("tree", help="layout of the folders")
