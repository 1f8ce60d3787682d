"""What proof costs: digest, file checksums, ``--verify`` and syncing, beside an export to CSV."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from benchmarks import checks
from benchmarks.data import Array, Data
from benchmarks.model import Job, Run, Side, WrongOutput
from benchmarks.product import NO_SYNC, dataset_of, encoding, exporting

_SYNC = {"MNISTKIT_SYNC": "1"}
_BLOCK_ROWS = 4096  # as the digest's definition has it


def _digest(data: Data) -> Run:
    from mnistkit.engine.run import digest_of

    dataset = dataset_of(data)
    return lambda _: digest_of(dataset)["train"].content()


def _check_digest(data: Data, _: Path, returned: Any) -> None:
    shape = list(data.images.shape[1:])
    facts = {"dtype": "uint8", "labelled": True, "length": data.rows, "shape": shape}
    head = json.dumps(facts, sort_keys=True, separators=(",", ":")).encode()
    content = head + _blocks(data.images) + _blocks(data.labels.astype("<i8"))
    expected = f"mk1:{hashlib.sha256(content).hexdigest()}"
    if returned != expected:
        message = f"{returned}, not {expected}"
        raise WrongOutput(message)


def _blocks(array: Array) -> bytes:
    cuts = range(0, len(array), _BLOCK_ROWS)
    blocks = (hashlib.sha256(array[a : a + _BLOCK_ROWS].tobytes()).digest() for a in cuts)
    return hashlib.sha256(b"".join(blocks)).digest()


def _checksums(data: Data) -> Run:
    from mnistkit.checksums import write_checksums

    def run(folder: Path) -> None:
        os.link(data.csv, folder / "train.csv")
        write_checksums(folder, data.workers)

    return run


def _check_checksums(data: Data, folder: Path, _: Any) -> None:
    line = checks.only(folder, "mnistkit.sha256").read_text(encoding="utf-8")
    expected = hashlib.sha256(data.csv.read_bytes()).hexdigest()
    if line.split() not in ([expected, "train.csv"], [expected, "*train.csv"]):
        message = f"{line.strip()!r}, not {expected} of train.csv"
        raise WrongOutput(message)


def _polars_synced(data: Data) -> Run:
    import polars as pl

    frame = pl.DataFrame(data.flat, schema=data.columns)

    def run(folder: Path) -> None:
        frame.write_csv(folder / "train.csv")
        for path in (folder / "train.csv", folder):
            _fsync(path)

    return run


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


JOBS = (
    Job(
        name="costs",
        title="what the steps of an export to CSV cost",
        ours=Side(name="export()", setup=exporting("csv"), env=NO_SYNC),
        others=(
            Side(name="the writer alone", role="part", setup=encoding("csv")),
            Side(name="the digest alone", role="part", setup=_digest, check=_check_digest),
            Side(name="the checksum alone", role="part", setup=_checksums, check=_check_checksums),
            Side(name="export() with verify", role="part", setup=exporting("csv", verify=True), env=NO_SYNC),
            Side(name="export(), synced to disk", role="part", setup=exporting("csv"), env=_SYNC),
        ),
        check=checks.csv_text,
    ),
    Job(
        name="csv-export-synced",
        title="export() to CSV, synced to disk on both sides",
        ours=Side(name="mnistkit", setup=exporting("csv"), env=_SYNC),
        others=(
            Side(name="polars write_csv and fsync", role="peer", setup=_polars_synced, needs=("polars",)),
        ),
        check=checks.csv_text,
    ),
)  # fmt: skip
