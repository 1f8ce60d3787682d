"""CSV and ML.NET's tab-separated text: written, exported and read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import checks
from benchmarks.data import Array, Data
from benchmarks.limits import write_bytes
from benchmarks.model import Job, Run, Side
from benchmarks.product import NO_SYNC, PURE, encoding, exporting, loading


def _polars_frame(data: Data) -> Any:
    import polars as pl

    return pl.DataFrame(data.flat, schema=data.columns)


def _polars_csv(data: Data) -> Run:
    frame = _polars_frame(data)
    return lambda folder: frame.write_csv(folder / "train.csv")


def _polars_tsv(data: Data) -> Run:
    frame = _polars_frame(data).rename({"label": "Label"})
    return lambda folder: frame.write_csv(folder / "train.tsv", separator="\t")


def _pandas_csv(data: Data) -> Run:
    import pandas as pd

    frame = pd.DataFrame(data.flat, columns=data.columns)
    return lambda folder: frame.to_csv(folder / "train.csv", index=False)


def _arrow_table(data: Data) -> Any:
    import pyarrow as pa

    return pa.table(dict(zip(data.columns, np.ascontiguousarray(data.flat.T), strict=True)))


def _arrow_csv(data: Data) -> Run:
    from pyarrow import csv

    table, options = _arrow_table(data), csv.WriteOptions(quoting_header="none")
    return lambda folder: csv.write_csv(table, folder / "train.csv", options)


def _duckdb_csv(data: Data) -> Run:
    import duckdb

    connection = duckdb.connect()
    connection.register("images", _arrow_table(data))
    return lambda folder: (
        connection.execute(f"COPY images TO '{folder / 'train.csv'}' (FORMAT csv, HEADER true)") and None
    )


def _numpy_csv(data: Data) -> Run:
    header, flat = ",".join(data.columns), data.flat
    return lambda folder: np.savetxt(
        folder / "train.csv", flat, fmt="%d", delimiter=",", header=header, comments=""
    )


def _module_csv(data: Data) -> Run:
    import csv

    def run(folder: Path) -> None:
        with (folder / "train.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(data.columns)
            writer.writerows(data.flat.tolist())

    return run


def _same_csv(data: Data) -> Run:
    return write_bytes("train.csv", data.csv.read_bytes())


def _same_tsv(data: Data) -> Run:
    text = data.csv.read_bytes().replace(b",", b"\t")
    return write_bytes("train.tsv", text.replace(b"label", b"Label", 1))


_SLOW_WRITERS = (
    Side(name="pyarrow write_csv", role="peer", setup=_arrow_csv, needs=("pyarrow",)),
    Side(name="duckdb COPY", role="peer", setup=_duckdb_csv, needs=("duckdb", "pyarrow")),
    Side(name="pandas to_csv", role="peer", setup=_pandas_csv, needs=("pandas",)),
    Side(name="numpy savetxt", role="peer", setup=_numpy_csv),
    Side(name="csv module", role="peer", setup=_module_csv),
)


def _polars(goal: float | None, *, tabs: bool = False) -> Side:
    setup = _polars_tsv if tabs else _polars_csv
    return Side(name="polars write_csv", role="peer", setup=setup, needs=("polars",), goal=goal)


def _bytes(goal: float | None, *, tabs: bool = False) -> Side:
    setup = _same_tsv if tabs else _same_csv
    return Side(name="os.write of the same bytes", role="limit", setup=setup, goal=goal)


def _write_jobs() -> tuple[Job, ...]:
    csv, tsv = checks.csv_text, checks.tsv_text
    return (
        Job(
            name="csv-write",
            title="CSV, encode and write",
            ours=Side(name="mnistkit", setup=encoding("csv")),
            others=(_polars(9), _bytes(1.6), *_SLOW_WRITERS),
            check=csv,
        ),
        Job(
            name="csv-write-pure",
            title="CSV, encode and write, pure path",
            ours=Side(name="mnistkit", setup=encoding("csv"), env=PURE),
            others=(_polars(None), _bytes(None)),
            check=csv,
        ),
        Job(
            name="tsv-write",
            title="ML.NET TSV, encode and write",
            ours=Side(name="mnistkit", setup=encoding("mlnet")),
            others=(_polars(9, tabs=True), _bytes(1.6, tabs=True)),
            check=tsv,
        ),
        Job(
            name="csv-export",
            title="export() to CSV, all included",
            ours=Side(name="mnistkit", setup=exporting("csv"), env=NO_SYNC),
            others=(_polars(4.5), _bytes(None)),
            check=csv,
        ),
        Job(
            name="csv-export-pure",
            title="export() to CSV, all included, pure path",
            ours=Side(name="mnistkit", setup=exporting("csv"), env=PURE),
            others=(_polars(2.2),),
            check=csv,
        ),
    )


def _tsv_file(data: Data) -> Path:
    """Write the tab-separated twin of the CSV file once, with ML.NET's schema left out."""
    path = data.csv.with_suffix(".tsv")
    if not path.exists():
        path.write_bytes(data.csv.read_bytes().replace(b",", b"\t"))
    return path


def _load_csv(data: Data) -> Run:
    return loading(data.csv)


def _load_tsv(data: Data) -> Run:
    import mnistkit

    path = _tsv_file(data)

    def run(_: Path) -> Any:
        batch = mnistkit.open(path, format="mlnet")["train"].load()
        return batch.images, batch.labels

    return run


def _polars_reader(path: Path, data: Data, separator: str) -> Run:
    import polars as pl

    schema = dict.fromkeys(data.columns, pl.UInt8)
    return lambda _: pl.read_csv(path, schema=schema, separator=separator).to_numpy()


def _polars_load_csv(data: Data) -> Run:
    return _polars_reader(data.csv, data, ",")


def _polars_load_tsv(data: Data) -> Run:
    return _polars_reader(_tsv_file(data), data, "\t")


def _pandas_load(data: Data) -> Run:
    import pandas as pd

    return lambda _: pd.read_csv(data.csv, dtype=np.uint8).to_numpy()


def _numpy_load(data: Data) -> Run:
    return lambda _: np.loadtxt(data.csv, dtype=np.uint8, delimiter=",", skiprows=1)


def _duckdb_load(data: Data) -> Run:
    import duckdb

    columns = dict.fromkeys(data.columns, "UTINYINT")

    def run(_: Path) -> Array:
        found = duckdb.read_csv(str(data.csv), columns=columns, header=True).fetchnumpy()
        return np.column_stack([found[name] for name in data.columns])

    return run


def _arrow_load(data: Data) -> Run:
    import pyarrow as pa
    from pyarrow import csv

    types = csv.ConvertOptions(column_types=dict.fromkeys(data.columns, pa.uint8()))

    def run(_: Path) -> Array:
        table = csv.read_csv(data.csv, convert_options=types)
        return np.column_stack([column.to_numpy() for column in table.columns])

    return run


def _read_job(name: str, title: str, tabs: bool, env: Mapping[str, str], goal: float, *others: Side) -> Job:  # noqa: FBT001 - a table's cell
    polars = Side(
        name="polars read_csv, uint8 schema",
        role="peer",
        setup=_polars_load_tsv if tabs else _polars_load_csv,
        needs=("polars",),
        goal=goal,
    )
    ours = Side(name="mnistkit", setup=_load_tsv if tabs else _load_csv, env=env)
    return Job(name=name, title=title, ours=ours, others=(polars, *others), check=checks.same_arrays)


JOBS = (
    *_write_jobs(),
    _read_job(
        "csv-read", "CSV to uint8, strict", False, {}, 5,
        Side(name="pyarrow read_csv", role="peer", setup=_arrow_load, needs=("pyarrow",)),
        Side(name="pandas read_csv", role="peer", setup=_pandas_load, needs=("pandas",)),
        Side(name="duckdb read_csv", role="peer", setup=_duckdb_load, needs=("duckdb",)),
        Side(name="numpy loadtxt", role="peer", setup=_numpy_load),
    ),
    _read_job("csv-read-pure", "CSV to uint8, strict, pure path", False, PURE, 1.5),
    _read_job("tsv-read", "TSV to uint8, strict", True, {}, 5),
    _read_job("tsv-read-pure", "TSV to uint8, strict, pure path", True, PURE, 1.5),
)  # fmt: skip
