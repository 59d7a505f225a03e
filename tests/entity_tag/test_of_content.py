"""`EntityTag.of()`: the tag of some content is the same on every replica, platform and release."""

from __future__ import annotations

import array
import re
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entity_tag.blake3_model import blake3, derive_key, keyed_hash, opaque_tag
from notmodified import EntityTag

# BLAKE3's published test vectors: the input counts 0, 1, … 250, 0, 1, …
PUBLISHED = {
    0: "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262",
    1024: "42214739f095a406f3fc83deb889744ac00df831c10daa55189b5d121c855af7",
    1025: "d00278ae47eb27b34faecf67b4fe263f82d5412916c1ffd97c8cb7fb814b8444",
    31744: "62b6960e1a44bcc1eb1a611a8d6235b6b4b78f32e7abc4fb4c6cdcce94895c47",
}
ELVISH = b"whats the Elvish word for friend"

# Written down once: a change of any of these makes every client fetch everything again.
PROMISED = {
    b"": "rxNJufX5oaagQE3qNtzJSQ",
    b"hello world": "10mB76cKDIgLjYwZhdB12w",
}


def counting(length: int) -> bytes:
    return bytes(number % 251 for number in range(length))


@pytest.mark.parametrize("length", PUBLISHED)
def test_the_model_of_blake3_has_the_published_hashes(length):
    assert blake3(counting(length)).hex() == PUBLISHED[length]


def test_the_model_of_blake3_has_the_published_keyed_hash_and_derived_key():
    assert keyed_hash(ELVISH, b"").hex() == "92b2b75604ed3c761f9d6f62392c8a9227ad0ea3f09573e783f1498a4ed60d26"
    context = "BLAKE3 2019-12-27 16:29:52 test vectors context"
    assert (
        derive_key(context, b"").hex() == "2cc39783c223154fea8dfb7c1b1660f2ac2dcbd1c1de8277b0b0dd39b7e50d7d"
    )


@pytest.mark.parametrize(
    "length", [0, 1, 63, 64, 65, 200, 1023, 1024, 1025, 2048, 2049, 16384, 31744, 102400]
)
def test_the_tag_is_half_the_hash_in_base64url(length):
    body = counting(length)
    tag = EntityTag.of(body)
    assert tag.opaque == opaque_tag(body)
    assert re.fullmatch(r'"[A-Za-z0-9_-]{22}"', str(tag))
    assert not tag.weak


@pytest.mark.parametrize("length", [0, 1, 64, 1025, 16384])
@pytest.mark.parametrize(
    "key", [b"k" * 16, b"\x00" * 32, b"a key of any length at all, longer than 32 bytes"]
)
def test_a_keyed_tag_is_of_the_keyed_hash(length, key):
    body = counting(length)
    tag = EntityTag.of(body, key=key)
    assert tag.opaque == opaque_tag(body, key)
    assert tag != EntityTag.of(body)


@pytest.mark.parametrize("body", PROMISED, ids=repr)
def test_the_recipe_does_not_change_between_releases(body):
    assert EntityTag.of(body).opaque == PROMISED[body]


@given(st.binary(max_size=3000))
def test_any_body_has_the_tag_of_the_recipe(body):
    assert EntityTag.of(body).opaque == opaque_tag(body)


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_different_bodies_have_different_tags(one, other):
    assert (EntityTag.of(one) == EntityTag.of(other)) == (one == other)


def test_a_body_far_above_any_threshold_has_its_tag_too():
    """Around the sizes where hashing may go another way: with the lock released, in more lanes."""
    tags = {str(EntityTag.of(b"x" * size)) for size in (2**18 - 1, 2**18, 2**18 + 1, 2**20, 2**23)}
    assert len(tags) == 5
    # Two bodies that differ in their last octet only.
    assert EntityTag.of(b"x" * 2**20 + b"a") != EntityTag.of(b"x" * 2**20 + b"b")


def test_a_weak_tag_has_the_same_opaque_part():
    tag = EntityTag.of(b"body", weak=True)
    assert tag.weak
    assert tag.opaque == EntityTag.of(b"body").opaque
    assert str(tag) == "W/" + str(EntityTag.of(b"body"))


@pytest.mark.parametrize(
    "body",
    [
        bytearray(b"some body"),
        memoryview(b"some body"),
        memoryview(bytearray(b"some body")),
        memoryview(b"..some body..")[2:-2],
        memoryview(bytes(c for pair in zip(b"some body", b"?" * 9, strict=True) for c in pair))[::2],
        array.array("B", b"some body"),
    ],
    ids=lambda body: f"{type(body).__name__}-{len(body)}",
)
def test_every_buffer_of_the_same_bytes_has_the_same_tag(body):
    assert EntityTag.of(body) == EntityTag.of(b"some body")


@pytest.mark.parametrize("body", ["text", None, 7, ["x"], pytest.param(object(), id="an object")], ids=repr)
def test_what_is_no_buffer_is_a_type_error(body):
    with pytest.raises(TypeError):
        EntityTag.of(body)


def test_another_process_makes_the_same_tag():
    """Nothing of the process goes in: not its hash seed, not its environment."""
    code = (
        "from notmodified import EntityTag; "
        "print(EntityTag.of(b'same'), EntityTag.of(b'same', key=b'k' * 16))"
    )
    seen = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed, "TZ": zone},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed, zone in (("1", "UTC"), ("2", "Asia/Tokyo"))
    }
    assert len(seen) == 1
