"""Archives are what zipfile and unzip read, the same bytes however they are written."""

import shutil
import subprocess
import zipfile
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnistkit.codecs import zip as zips
from mnistkit.codecs.zip import ZipWriter

MEMBERS = st.dictionaries(
    st.text(
        st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="/\\"), min_size=1, max_size=20
    ),
    st.tuples(st.binary(max_size=3000), st.booleans(), st.sampled_from([1, 2, 8])),
    max_size=5,
)


def archive_of(members, *, workers=1, step=None):
    file = BytesIO()
    archive = ZipWriter(file, workers=workers)
    for name, (data, compressed, itemsize) in members.items():
        with archive.member(name, itemsize=itemsize, compressed=compressed) as member:
            for start in range(0, len(data), step or len(data) or 1):
                member.write(data[start : start + (step or len(data))])
    archive.finish()
    return file.getvalue()


@given(MEMBERS, st.integers(1, 4), st.integers(1, 5000))
def test_zipfile_reads_what_was_written(members, workers, step):
    whole = archive_of(members)

    with zipfile.ZipFile(BytesIO(whole)) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == {
            name: data for name, (data, _, _) in members.items()
        }
    assert archive_of(members, workers=workers, step=step) == whole


def test_pieces_do_not_depend_on_workers():
    members = {"a": (bytes(range(256)) * (3 << 12), True, 1), "b": (bytes(5 << 20), True, 4)}

    assert archive_of(members, workers=3) == archive_of(members, step=100_000)


@pytest.mark.skipif(shutil.which("unzip") is None, reason="no unzip here")
def test_unzip_finds_nothing_wrong(tmp_path):
    path = tmp_path / "archive.zip"
    path.write_bytes(archive_of({"a.npy": (bytes(5000), True, 1), "b.npy": (b"plain", False, 1)}))

    subprocess.run(["unzip", "-tq", path], check=True, capture_output=True)


def test_sizes_beyond_32_bits_are_told_in_64():
    member = zips._Member(b"a", 0, 1, 5 << 32, 6 << 32, 7 << 32)

    listed = zips._listed(member)

    assert listed[20:28] == b"\xff" * 8
    assert listed[-24:] == b"".join(n.to_bytes(8, "little") for n in (6 << 32, 5 << 32, 7 << 32))
