"""BLAKE3 in plain Python, after its specification (section 2), to be independent of the crate.

Slow: some milliseconds a kilobyte.
"""

from __future__ import annotations

import base64
import struct

IV = (
    0x6A09E667,
    0xBB67AE85,
    0x3C6EF372,
    0xA54FF53A,
    0x510E527F,
    0x9B05688C,
    0x1F83D9AB,
    0x5BE0CD19,
)
PERMUTATION = (2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8)
CHUNK_START, CHUNK_END, PARENT, ROOT, KEYED_HASH, DERIVE_KEY_CONTEXT, DERIVE_KEY_MATERIAL = (
    1 << bit for bit in range(7)
)
CHUNK, BLOCK = 1024, 64
MASK = 0xFFFFFFFF


def _rotate(word: int, by: int) -> int:
    return (word >> by | word << (32 - by)) & MASK


def _mix(v: list[int], a: int, b: int, c: int, d: int, x: int, y: int) -> None:
    v[a] = (v[a] + v[b] + x) & MASK
    v[d] = _rotate(v[d] ^ v[a], 16)
    v[c] = (v[c] + v[d]) & MASK
    v[b] = _rotate(v[b] ^ v[c], 12)
    v[a] = (v[a] + v[b] + y) & MASK
    v[d] = _rotate(v[d] ^ v[a], 8)
    v[c] = (v[c] + v[d]) & MASK
    v[b] = _rotate(v[b] ^ v[c], 7)


def _compress(chaining: tuple[int, ...], block: bytes, counter: int, flags: int) -> tuple[int, ...]:
    m = struct.unpack("<16I", block.ljust(BLOCK, b"\0"))
    v = [*chaining, *IV[:4], counter & MASK, counter >> 32, len(block), flags]
    for _ in range(7):
        for column in range(4):
            _mix(v, column, 4 + column, 8 + column, 12 + column, m[2 * column], m[2 * column + 1])
        for diagonal in range(4):
            _mix(
                v,
                diagonal,
                4 + (diagonal + 1) % 4,
                8 + (diagonal + 2) % 4,
                12 + (diagonal + 3) % 4,
                m[8 + 2 * diagonal],
                m[9 + 2 * diagonal],
            )
        m = tuple(m[place] for place in PERMUTATION)
    return tuple(v[i] ^ v[i + 8] for i in range(8))


def _subtree(data: bytes, first_chunk: int, key: tuple[int, ...], flags: int, root: int) -> tuple[int, ...]:
    if len(data) <= CHUNK:
        blocks = [data[at : at + BLOCK] for at in range(0, len(data), BLOCK)] or [b""]
        chaining = key
        for number, block in enumerate(blocks):
            start = CHUNK_START if number == 0 else 0
            end = CHUNK_END | root if number == len(blocks) - 1 else 0
            chaining = _compress(chaining, block, first_chunk, flags | start | end)
        return chaining
    # The left subtree has the largest power of two of chunks that leaves something to the right.
    left = CHUNK
    while left * 2 < len(data):
        left *= 2
    parts = _subtree(data[:left], first_chunk, key, flags, 0) + _subtree(
        data[left:], first_chunk + left // CHUNK, key, flags, 0
    )
    return _compress(key, struct.pack("<16I", *parts), 0, flags | PARENT | root)


def _hash(data: bytes, key: tuple[int, ...], flags: int) -> bytes:
    return struct.pack("<8I", *_subtree(data, 0, key, flags, ROOT))


def blake3(data: bytes) -> bytes:
    """Return the 32-byte hash."""
    return _hash(data, IV, 0)


def keyed_hash(key: bytes, data: bytes) -> bytes:
    """Return the 32-byte keyed hash; the key has 32 bytes."""
    return _hash(data, struct.unpack("<8I", key), KEYED_HASH)


def derive_key(context: str, material: bytes) -> bytes:
    """Return 32 bytes derived from the material for this context."""
    context_key = _hash(context.encode(), IV, DERIVE_KEY_CONTEXT)
    return _hash(material, struct.unpack("<8I", context_key), DERIVE_KEY_MATERIAL)


def opaque_tag(body: bytes, key: bytes | None = None) -> str:
    """Return the 22 characters that the documented recipe gives for a body."""
    if key is None:
        digest = blake3(body)
    else:
        digest = keyed_hash(derive_key("notmodified 2026-11-22 entity-tag key", key), body)
    return base64.urlsafe_b64encode(digest[:16]).decode().rstrip("=")
