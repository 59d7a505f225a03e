"""RFC 9110 §14 and §15.3.7 read off the page: which part of some content a Range gets.

Written apart from the code under test, and like `rfc9110_model.py` clear and not fast. Where the RFC leaves
the server a choice, the choice of docs/ranges.md is taken.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from email import message_from_bytes

MOST = 64  # ranges in one field; a Range with more is ignored
LONGEST_FIELD = 64 * 1024
GREATEST = 2**64 - 1

# ranges-specifier = range-unit "=" range-set; range units are case-insensitive (§14.1).
SPECIFIER = re.compile(r"bytes=(.*)", re.IGNORECASE | re.DOTALL)
SPEC = re.compile(r"([0-9]*)-([0-9]*)")


def number(digits: str) -> int:
    """Numbers too great to be told count as the greatest there is."""
    digits = digits.lstrip("0") or "0"
    return min(int(digits), GREATEST) if len(digits) <= 20 else GREATEST


def ranges(value: str, length: int) -> list[tuple[int, int]] | None:
    """Return first and last place of each part; none if it is unsatisfiable, None if the field is ignored."""
    found = SPECIFIER.fullmatch(value.strip(" \t"))
    if not found or len(value) > LONGEST_FIELD or length == 0:
        return None
    specs = [spec.strip(" \t") for spec in found[1].split(",")]
    specs = [spec for spec in specs if spec]
    if not 1 <= len(specs) <= MOST:
        return None
    parts = []
    for spec in specs:
        pair = SPEC.fullmatch(spec)
        if not pair or pair[0] == "-":
            return None
        first, last = (number(digits) if digits else None for digits in pair.groups())
        if first is None:  # suffix-range: the last so many
            if last:
                parts.append((max(length - last, 0), length - 1))
        elif last is not None and last < first:
            return None
        elif first < length:
            parts.append((first, length - 1 if last is None else min(last, length - 1)))
    return joined(parts)


def status_of_ranges(value: str, length: int) -> int:
    """Return the status of the answer to a GET with this Range, if it applies."""
    parts = ranges(value, length)
    if parts is None:
        return 200
    return 206 if parts else 416


def joined(parts: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Parts that overlap or touch are one; then all are ascending, else as they were asked for."""
    apart: list[tuple[int, int]] = []
    for first, last in sorted(parts):
        if apart and first <= apart[-1][1] + 1:
            apart[-1] = (apart[-1][0], max(apart[-1][1], last))
        else:
            apart.append((first, last))
    return parts if len(apart) == len(parts) else apart


@dataclass(frozen=True)
class Part:
    content_range: str
    content_type: str | None
    body: bytes


def parts_of(content_type: str, body: bytes) -> list[Part]:
    """Read a multipart/byteranges body, as any reader of MIME does."""
    message = message_from_bytes(f"Content-Type: {content_type}\r\n\r\n".encode() + body)
    assert message.get_content_type() == "multipart/byteranges"
    assert not message.defects
    assert not (message.preamble or message.epilogue or "").strip()
    heads = [(part["Content-Range"], part["Content-Type"]) for part in message.get_payload()]
    # The octets by hand: a reader of mail may take the liberty of changing line ends.
    boundary = message.get_boundary()
    chunks = (b"\r\n" + body).split(f"\r\n--{boundary}".encode())
    assert chunks[0] == b""
    assert chunks[-1] == b"--\r\n"
    bodies = [chunk.split(b"\r\n\r\n", 1)[1] for chunk in chunks[1:-1]]
    return [
        Part(content_range, kind, octets) for (content_range, kind), octets in zip(heads, bodies, strict=True)
    ]
