"""Joining row groups gives what pyarrow writes; Thrift's structures go through whatever they hold."""

from io import BytesIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnistkit_parquet import joining
from mnistkit_parquet.joining import Joiner
from mnistkit_parquet.thrift import Kind, List, Value, decode, encode

NUMBERS = {Kind.I16: 16, Kind.I32: 32, Kind.I64: 64}


def table_of(rows, columns=3):
    numbers = np.random.default_rng(rows)
    made = {f"n{i}": numbers.integers(0, 9, rows) for i in range(columns)}
    texts = [f"text {i}" * (i % 5) for i in range(rows)]
    lists = pa.array([[i] * (i % 3) for i in range(rows)], pa.list_(pa.int64()))
    floats = numbers.random(rows, np.float32)
    return pa.table({**made, "text": texts, "list": lists, "float": floats, "truth": floats > 0.5})


def at_once(groups, schema, **options):
    """Write the row groups as pyarrow does, one after the other."""
    file = BytesIO()
    with pq.ParquetWriter(file, schema, **options) as writer:
        for group in groups:
            writer.write_table(group, row_group_size=max(1, len(group)))
    return file.getvalue()


def joined(groups, schema, **options):
    file = BytesIO()
    joiner = Joiner(file, memoryview(at_once([], schema, **options)))
    for group in groups:
        joiner.add(memoryview(at_once([group], schema, **options)))
    joiner.finish()
    return file.getvalue()


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"compression": "zstd", "use_dictionary": ["n0"], "write_statistics": ["n0"]},
        {"write_page_index": True},
        {"write_page_index": True, "write_statistics": ["n1"], "write_page_checksum": True},
        {"data_page_version": "2.0", "data_page_size": 64},
        {"sorting_columns": [pq.SortingColumn(0)]},
    ],
    ids=str,
)
@pytest.mark.parametrize("lengths", [(), (1,), (100, 100, 30), (5,) * 40], ids=str)
def test_joined_row_groups_are_what_pyarrow_writes_byte_for_byte(lengths, options):
    groups = [table_of(rows) for rows in lengths]

    assert joined(groups, table_of(1).schema, **options) == at_once(groups, table_of(1).schema, **options)


def test_a_table_of_many_columns_is_joined_too():
    groups = [table_of(7, columns=200), table_of(3, columns=200)]

    found = joined(groups, groups[0].schema)

    assert found == at_once(groups, groups[0].schema)


def test_row_groups_beyond_what_their_number_can_count_have_none(monkeypatch):
    monkeypatch.setattr(joining, "_MOST_NUMBERED", 1)
    table = table_of(4)

    found = pq.ParquetFile(BytesIO(joined([table] * 4, table.schema)))

    assert found.read() == pa.concat_tables([table] * 4)


def fields(values):
    return st.dictionaries(st.integers(1, 0x7FFF), values, max_size=20)


def values(inner):
    numbers = st.one_of(
        *(
            st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1).map(lambda n, kind=kind: Value(kind, n))
            for kind, bits in NUMBERS.items()
        )
    )
    lists = st.lists(inner, max_size=20).map(lambda structs: Value(Kind.LIST, List(Kind.STRUCT, structs)))
    return st.one_of(
        numbers,
        lists,
        inner.map(lambda fields: Value(Kind.STRUCT, fields)),
        st.binary(max_size=300).map(lambda data: Value(Kind.BINARY, data)),
        st.binary(min_size=8, max_size=8).map(lambda data: Value(Kind.DOUBLE, data)),
        st.binary(min_size=1, max_size=1).map(lambda data: Value(Kind.BYTE, data)),
        st.sampled_from([Value(Kind.TRUE, None), Value(Kind.FALSE, None)]),
        st.lists(st.sampled_from([b"\1", b"\2"])).map(lambda held: Value(Kind.LIST, List(Kind.TRUE, held))),
    )


STRUCTS = st.recursive(st.just({}), lambda inner: fields(values(inner)), max_leaves=10)


@given(STRUCTS, st.binary(max_size=4))
def test_every_structure_comes_back_with_its_length(structure, behind):
    data = encode(structure)

    assert decode(data + behind) == (structure, len(data))


@given(STRUCTS, st.data())
def test_a_structure_cut_short_is_an_error(structure, data):
    whole = encode(structure)
    cut = whole[: data.draw(st.integers(0, len(whole) - 1))]

    with pytest.raises(IndexError):
        decode(cut)


@given(st.binary(max_size=60))
def test_any_bytes_are_a_structure_or_an_error(data):
    try:
        _, length = decode(data)
    except (IndexError, ValueError):
        return
    assert length <= len(data)
