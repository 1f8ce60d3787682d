"""ML.NET's binary data view, written and read with struct and zlib alone: slow, and plain enough to be right.

A kind is a tuple: ("Byte",), ("TextSpan",), ("Key2", ("UInt32",), 10), ("VBuffer", ("Single",), (28, 28)).
A column is a dict: name, kind, rows (a list; of a vector, a list of lists), and where they matter notes
(name -> (kind, row)), compression (0 or 1) and sparse (the numbers of the rows to be written sparse).
"""

import json
import math
import struct
import zlib

NUMBERS = {
    "Byte": "B", "SByte": "b", "UInt16": "H", "Int16": "h", "UInt32": "I", "Int32": "i", "UInt64": "Q",
    "Int64": "q", "Single": "f", "Double": "d",
}  # fmt: skip


# Writing


def leb(number):
    low = number & 0x7F
    return bytes([low | 0x80]) + leb(number >> 7) if number > 0x7F else bytes([low])


def string(text):
    return leb(len(text.encode())) + text.encode()


def codec(kind):
    parameters = b""
    if kind[0] == "Key2":
        parameters = codec(kind[1]) + struct.pack("<Q", kind[2])
    if kind[0] == "VBuffer":
        parameters = codec(kind[1]) + struct.pack("<i", len(kind[2]))
        for length in kind[2]:
            parameters += struct.pack("<i", length)
    return string(kind[0]) + leb(len(parameters)) + parameters


def items(kind, values):
    if kind[0] == "Key2":
        return items(kind[1], values)
    if kind[0] == "Boolean":
        bits = sum(1 << i for i, value in enumerate(values) if value)
        return bits.to_bytes((len(values) + 7) // 8, "little")
    if kind[0] == "TextSpan":
        block, end = struct.pack("<i", len(values)), 0
        for value in values:
            end += len(value.encode("utf-16-le")) // 2
            block += struct.pack("<i", end)
        return block + string("".join(values))
    return b"".join(struct.pack("<" + NUMBERS[kind[0]], value) for value in values)


def block(kind, rows, sparse=()):
    if kind[0] != "VBuffer":
        return items(kind, rows)
    counts, indices, values = [], [], []
    for number, row in enumerate(rows):
        kept = [i for i, value in enumerate(row) if value or str(value) == "-0.0"]
        if number in sparse and len(kept) < len(row):
            counts.append(len(kept))
            indices += kept
            values += [row[i] for i in kept]
        else:
            counts.append(-1)
            values += row
    head = struct.pack("<ii", len(rows), math.prod(kind[2]))
    for number in [*counts, len(indices), *indices]:
        head += struct.pack("<i", number)
    return head + items(kind[1], values)


def pack(data, compression):
    if not compression:
        return data
    deflate = zlib.compressobj(wbits=-15)
    return deflate.compress(data) + deflate.flush()


def write(path, columns, *, block_rows=8192):
    """Write columns of equal length; those that come first have their blocks last, which must not matter."""
    rows = len(columns[0]["rows"])
    body = bytes(256)
    tables = {}
    for column in reversed(columns):
        table = b""
        for first in range(0, rows, block_rows):
            sparse = {row - first for row in column.get("sparse", ())}
            raw = block(column["kind"], column["rows"][first : first + block_rows], sparse)
            packed = pack(raw, column.get("compression", 1))
            table += struct.pack("<qii", len(body), len(packed), len(raw))
            body += packed
        tables[column["name"]] = len(body)
        body += table
    contents = b""
    for column in columns:
        compression = column.get("compression", 1)
        noted = b""
        for name, (kind, row) in column.get("notes", {}).items():
            packed = pack(block(kind, [row]), compression)
            noted += string(name) + codec(kind) + bytes([compression]) + struct.pack("<q", len(body))
            noted += leb(len(packed))
            body += packed
        place = len(body) if noted else 0
        body += leb(len(column["notes"])) + noted if noted else b""
        contents += string(column["name"]) + codec(column["kind"]) + bytes([compression]) + leb(block_rows)
        contents += struct.pack("<qq", tables[column["name"]], place)
    version = 0x0001000100010006
    head = b"CML\0DVB\0" + struct.pack("<QQ", version, version)
    head += struct.pack("<qqqi", len(body), len(body) + len(contents), rows, len(columns))
    path.write_bytes(head + body[len(head) :] + contents + b"\0BVD\0LMC")


# Reading


class Bytes:
    def __init__(self, data, at=0):
        self.data, self.at = data, at

    def take(self, size):
        self.at += size
        assert self.at <= len(self.data)
        return self.data[self.at - size : self.at]

    def number(self, code):
        return struct.unpack("<" + code, self.take(struct.calcsize("<" + code)))[0]

    def leb(self):
        byte = self.number("B")
        return byte if byte < 0x80 else (byte & 0x7F) | self.leb() << 7

    def string(self):
        return self.take(self.leb()).decode()

    def codec(self):
        name, size = self.string(), self.leb()
        end = self.at + size
        kind = (name,)
        if name == "Key2":
            kind = (name, self.codec(), self.number("Q"))
        if name == "VBuffer":
            kind = (name, self.codec(), tuple(self.number("i") for _ in range(self.number("i"))))
        assert self.at == end
        return kind

    def items(self, kind, number):
        if kind[0] == "Key2":
            return self.items(kind[1], number)
        if kind[0] == "Boolean":
            bits = int.from_bytes(self.take((number + 7) // 8), "little")
            return [bool(bits >> i & 1) for i in range(number)]
        if kind[0] == "TextSpan":
            assert self.number("i") == number
            ends = [self.number("i") for _ in range(number)]
            joined = self.string().encode("utf-16-le")
            return [joined[2 * a : 2 * b].decode("utf-16-le") for a, b in zip([0, *ends], ends, strict=False)]
        return [self.number(NUMBERS[kind[0]]) for _ in range(number)]

    def block(self, kind, number):
        if kind[0] != "VBuffer":
            found = self.items(kind, number)
        else:
            assert (self.number("i"), self.number("i")) == (number, math.prod(kind[2]))
            assert [self.number("i") for _ in range(number)] == [-1] * number
            assert self.number("i") == 0
            size = math.prod(kind[2])
            flat = self.items(kind[1], number * size)
            found = [flat[i * size : (i + 1) * size] for i in range(number)]
        assert self.at == len(self.data)
        return found


def unpack(data, compression):
    return zlib.decompress(data, -15) if compression else data


def read(path):
    """Return the columns of a file in which all vectors are dense, as :func:`write` takes them, by name."""
    data = path.read_bytes()
    header = Bytes(data)
    assert header.take(8) == b"CML\0DVB\0"
    assert header.number("Q") == header.number("Q") == 0x0001000100010006
    contents, tail, rows, number = (header.number(code) for code in "qqqi")
    assert header.take(204) == bytes(204)
    assert data[tail:] == b"\0BVD\0LMC"
    listing = Bytes(data[:tail], contents)
    columns = {}
    for _ in range(number):
        name, kind, compression, block_rows = (
            listing.string(),
            listing.codec(),
            listing.number("B"),
            listing.leb(),
        )
        lookup, place = Bytes(data, listing.number("q")), listing.number("q")
        values = []
        for first in range(0, rows, block_rows):
            offset, stored, raw = (lookup.number(code) for code in "qii")
            inflated = unpack(data[offset : offset + stored], compression)
            assert len(inflated) == raw
            values += Bytes(inflated).block(kind, min(block_rows, rows - first))
        notes, noted = {}, Bytes(data, place)
        for _ in range(noted.leb() if place else 0):
            title, what, packed = noted.string(), noted.codec(), noted.number("B")
            offset, stored = noted.number("q"), noted.leb()
            (notes[title],) = Bytes(unpack(data[offset : offset + stored], packed)).block(what, 1)
        columns[name] = {
            "kind": kind,
            "rows": values,
            "notes": notes,
            "block_rows": block_rows,
            "compression": compression,
        }
    assert listing.at == tail
    return columns


# Columns to test with

TEXT = ("TextSpan",)
KEY = ("Key2", ("UInt32",), 10)
NAMES = ("T-shirt/top", 'a"b', "ключ", "\U0001f600 smile")
PIXELS = [[0, 255, 7, 1], [0, 0, 0, 0], [3, 0, 0, 9]]


def label(rows=(6, 1, 3), kind=KEY, **more):
    return {"name": "Label", "kind": kind, "rows": list(rows), **more}


def features(rows=PIXELS, item="Byte", shape=(4,), **more):
    return {"name": "Features", "kind": ("VBuffer", (item,), shape), "rows": list(map(list, rows)), **more}


def note_of(**noted):
    return {"mnistkit": (TEXT, json.dumps(noted))}


def vector_of(texts):
    return (("VBuffer", TEXT, (len(texts),)), list(texts))
