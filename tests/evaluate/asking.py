"""From the model's terms to the arguments of `evaluate()`."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

import pytest

from model.cases import KEYS
from notmodified import EntityTag

if TYPE_CHECKING:
    from collections.abc import Mapping

    from model.rfc9110_model import State

# Of all cases each, or each seventh.
in_steps = pytest.mark.parametrize(
    "step", [pytest.param(1, marks=pytest.mark.long), 7], ids=["every-case", "every-seventh"]
)


class Arguments(TypedDict):
    etag: EntityTag | None
    last_modified: int | None
    exists: bool


def environ_of(method: str, fields: Mapping[str, str]) -> dict[str, str]:
    """Put the request fields where a WSGI server puts them."""
    return {"REQUEST_METHOD": method, **{KEYS[name]: value for name, value in fields.items()}}


def arguments(state: State) -> Arguments:
    """Put the representation's state where `evaluate()` wants it."""
    tag = None if state.etag is None else EntityTag.parse(str(state.etag))
    return {"etag": tag, "last_modified": state.last_modified, "exists": state.exists}
