"""What has arrived of a file so far, kept so that the next attempt, at any mirror, goes on from there."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from mnistkit.fetch.cache import Place, unwritable
from mnistkit.fetch.limits import Limits
from mnistkit.fetch.mirrors import Mirror, MirrorFailed, NoRanges
from mnistkit.fetch.private import create, is_ours, reopen
from mnistkit.fetch.transport import ask, body_of, length_of, patiently, stretch_of

if TYPE_CHECKING:
    from requests import Response

    from mnistkit.fetch.peers import Session

#: Called with the bytes that are there, and those that there are to be.
Report: TypeAlias = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Where the bytes of a part come from.

    Attributes:
        sender: Which mirror sent the last of them, as the SHA-256 of its URL, which may hold a password.
        validator: By what that mirror will know its file again: an entity tag or a date.
        answers: How many answers they were sent in.
        encoded: Whether they were compressed for the transfer.
        first: Offset in the remote file of the first of them.
        stretch: Whether they are a stretch of the remote file, not all of it.
    """

    sender: str = ""
    validator: str = ""
    answers: int = 0
    encoded: bool = False
    first: int = 0
    stretch: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The bytes that have arrived of a remote file, or of a stretch of it.

    Attributes:
        place: Where the cache will keep the file.
        size: How many bytes there are to come in all, where that is known.
        first: Offset in the remote file of the stretch's first byte.
        stretch: Whether a stretch of the remote file is wanted, not all of it; its size is known.
    """

    place: Place
    size: int | None
    first: int = 0
    stretch: bool = False

    @property
    def path(self) -> Path:
        """The file that grows."""
        return self.place.beside(".part")

    def length(self) -> int:
        """Return how many bytes there are to go on from; remove them where they are of no use."""
        note, have = self.note(), self.path.stat().st_size if is_ours(self.path) else 0
        fits = (note.first, note.stretch, note.encoded) == (self.first, self.stretch, False)
        if have and (not fits or (self.size is not None and have > self.size)):
            self.discard()
            return 0
        return have

    def note(self) -> Note:
        """Return where the bytes come from, as far as that is known."""
        try:
            return Note(**json.loads(self.place.beside(".note").read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return Note()

    def begin(self, note: Note) -> None:
        """Note where the next bytes come from; the first answer starts the file anew."""
        if note.answers == 1:
            create(self.path).close()
        with create(self.place.beside(".note")) as file:
            file.write(json.dumps(asdict(note)).encode())

    def discard(self) -> None:
        """Remove what has arrived."""
        for suffix in (".part", ".note"):
            self.place.beside(suffix).unlink(missing_ok=True)


def receive(session: Session, mirror: Mirror, part: Part, limits: Limits, report: Report) -> None:
    """Get from a mirror what is missing of a part, in several answers if the first breaks off.

    Raises:
        MirrorFailed: The mirror does not deliver it; what has arrived stays.
        DestinationError: The cache cannot be written; what has arrived is removed.
    """
    patiently(limits, lambda: _receive_once(session, mirror, part, limits, report))


def _receive_once(session: Session, mirror: Mirror, part: Part, limits: Limits, report: Report) -> None:
    have = part.length()
    if have and have == part.size:
        return
    with ask(session, mirror, limits, _headers(mirror, part, have)) as answer:
        if answer.status_code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            _check_complete(answer, part, have)
            return
        start = _start_of(answer, part, have)
        note = Note(
            sender=mirror.fingerprint,
            validator=_validator_in(answer),
            answers=part.note().answers + 1 if start else 1,
            encoded=_is_encoded(answer),
            first=part.first,
            stretch=part.stretch,
        )
        try:
            part.begin(note)
            _append(answer, part, start, limits, report)
        except OSError as error:  # of the disk: those of the network have become MirrorFailed
            part.discard()
            raise unwritable(part.path, error) from error


def _headers(mirror: Mirror, part: Part, have: int) -> dict[str, str]:
    if not have and not part.stretch:
        return {}
    last = part.first + (part.size or 0) - 1 if part.stretch else ""
    headers = {"Range": f"bytes={part.first + have}-{last}"}
    note = part.note()
    if have and note.validator and note.sender == mirror.fingerprint:
        headers["If-Range"] = note.validator
    return headers


def _check_complete(answer: Response, part: Part, have: int) -> None:
    """Accept that there is nothing to send where a file of unknown size is here already."""
    if part.size is None and answer.headers.get("Content-Range") == f"bytes */{have}":
        return
    part.discard()
    raise MirrorFailed("416 Range Not Satisfiable", passing=have > 0)


def _start_of(answer: Response, part: Part, have: int) -> int:
    """Return how many of the bytes that are here the answer goes on from: all of them, or none."""
    if answer.status_code == HTTPStatus.OK:
        if part.stretch:
            raise NoRanges("does not serve parts of files")
        _check_size(length_of(answer), part, answer)
        return 0
    stretch = stretch_of(answer)
    if stretch is None or stretch[0] != part.first + have or _is_encoded(answer):
        part.discard()
        raise MirrorFailed("sends other bytes than it was asked for", passing=have > 0)
    if not part.stretch:
        _check_size(stretch[2], part, answer)
    return have


def _check_size(found: int | None, part: Part, answer: Response) -> None:
    if None not in (found, part.size) and found != part.size and not _is_encoded(answer):
        raise MirrorFailed(f"offers {found:,} bytes instead of {part.size:,}")


def _append(answer: Response, part: Part, have: int, limits: Limits, report: Report) -> None:
    total = part.size or have + (length_of(answer) or 0)
    most = limits.most_bytes if part.size is None else part.size
    if _is_encoded(answer):
        most += most // 64 + 4096  # what does not shrink grows by less than that
    with reopen(part.path) as file:
        for chunk in body_of(answer, limits):
            have += len(chunk)
            if have > most:
                part.discard()
                raise MirrorFailed(f"sends more than {most:,} bytes")
            file.write(chunk)
            file.flush()
            report(have, max(have, total))
    if part.size is not None and have < part.size and not _is_encoded(answer):
        raise MirrorFailed(f"ends after {have:,} of {part.size:,} bytes", passing=True)


def _is_encoded(answer: Response) -> bool:
    return answer.headers.get("Content-Encoding", "identity").lower() != "identity"


def _validator_in(answer: Response) -> str:
    """Return the entity tag, unless it is a weak one, or the date (RFC 9110, 13.1.5)."""
    tag = answer.headers.get("ETag", "")
    return tag if tag.startswith('"') else answer.headers.get("Last-Modified", "")
