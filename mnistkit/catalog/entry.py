"""What the catalogue knows of a dataset: its files, where they are, and what they are like."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteFile:
    """A published file.

    Attributes:
        name: Its name, on mirrors and in the cache.
        urls: Where it is published, best first; full URLs.
        size: Size as served, in bytes, or None where nobody states it.
        checksums: Of the file as served: ``md5``, ``sha256`` or ``git`` (SHA-1 of the git blob) -> hex.
        raw_size: Size of what is inside the compression, in bytes, where known.
        raw_checksums: Checksums of what is inside the compression, where known.
        archive: The zip archive that holds it, if it is not served alone.
        member: Its path in that archive.
    """

    name: str
    urls: tuple[str, ...] = ()
    size: int | None = None
    checksums: Mapping[str, str] = field(default_factory=dict)
    raw_size: int | None = None
    raw_checksums: Mapping[str, str] = field(default_factory=dict)
    archive: RemoteFile | None = None
    member: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitEntry:
    """A split of a published dataset.

    Attributes:
        name: Its name here (``t10k`` is ``test``, ``val`` is ``validation``).
        length: Number of images.
        images: Name of the file that holds the images.
        labels: Name of the file that holds the labels.
        images_key: Name of the array, where the file holds several (``.npz``).
        labels_key: The same for the labels.
        rows: First row and row behind the last, where it is a view of part of the files.
        overlapping: Whether its images are also in another split: exported only when named.
    """

    name: str
    length: int
    images: str
    labels: str | None = None
    images_key: str = ""
    labels_key: str = ""
    rows: tuple[int, int] | None = None
    overlapping: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A published dataset.

    Attributes:
        name: What a user types: ``mnist``, ``emnist/letters``.
        title: What its makers call it.
        summary: One sentence.
        homepage: Where it comes from.
        licence: Its licence in words; says so where it is disputed or unknown.
        licence_note: ``free`` where use is unrestricted or needs attribution alone, else why a user
            should be told.
        citation: How to cite it.
        revision: Which published version the checksums belong to, where there were several.
        shape: Shape of one image as mnistkit gives it.
        dtype: numpy's name of the pixels' type.
        label_dtype: numpy's name of the labels' type, as stored.
        classes: Number of classes; 0 where images have several labels at once.
        class_names: Name of class i at index i; empty where classes are plain numbers.
        files: The published files by name.
        splits: The splits by name.
        container: ``idx``, or ``npz`` (arrays in a NumPy archive).
        orientation: ``transposed`` where images are stored with rows and columns exchanged.
        label_offset: What is subtracted from stored labels to make classes begin at 0.
        label_columns: Names of the columns behind the class, where labels have several.
        multi_label: Names of the label columns, where each image has several labels at once.
        gzip_headers: File name -> hex of the published gzip header, where GNU gzip remakes the file.
    """

    name: str
    title: str
    summary: str
    homepage: str
    licence: str
    licence_note: Literal["free", "share-alike", "non-commercial", "disputed", "unknown"]
    citation: str
    shape: tuple[int, ...]
    classes: int
    files: Mapping[str, RemoteFile]
    splits: Mapping[str, SplitEntry]
    revision: str = ""
    dtype: str = "uint8"
    label_dtype: str = "uint8"
    class_names: tuple[str, ...] = ()
    container: Literal["idx", "npz"] = "idx"
    orientation: Literal["upright", "transposed"] = "upright"
    label_offset: int = 0
    label_columns: tuple[str, ...] = ()
    multi_label: tuple[str, ...] = ()
    gzip_headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def stored_shape(self) -> tuple[int, ...]:
        """Shape of one image as its file has it."""
        if self.orientation == "transposed":
            return (self.shape[1], self.shape[0], *self.shape[2:])
        return self.shape

    @property
    def has_quirks(self) -> bool:
        """Whether its files must be read otherwise than they are stored."""
        return bool(
            self.container != "idx"
            or self.orientation != "upright"
            or self.label_offset
            or self.label_columns
            or self.multi_label
        )

    @property
    def notes(self) -> tuple[str, ...]:
        """What a user should know: which revision it is, and a licence that restricts or is unknown."""
        notes = [f"{self.name}: {self.revision}"] if self.revision else []
        if self.licence_note in ("non-commercial", "unknown"):
            notes.append(f"{self.name}: licence {self.licence}")
        return tuple(notes)
