"""What the `conditional` decorators of the frameworks have in common: the steps around a view."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, NamedTuple

from notmodified import _core

if TYPE_CHECKING:
    from typing import Any

_logger = logging.getLogger("notmodified")


class Answer(NamedTuple):
    """A status, fields, and the content; None for the content that the view made."""

    status: int
    headers: list[tuple[str, str]]
    content: bytes | None


class Guard(NamedTuple):
    """How strict a decorator is."""

    require: bool
    accept_weakened: bool | None

    @classmethod
    def of(cls, function: Any, *, require: bool, accept_weakened: bool | None) -> Guard:
        """Make the guard of a decorator; TypeError if its argument is no function."""
        if not callable(function):
            msg = f"conditional(function): a function that tells the validator, not {type(function).__name__}"
            raise TypeError(msg)
        return cls(require, accept_weakened)

    def arrive(self, environ: dict[str, Any]) -> bool | Answer:
        """Tell whether the validator function is to be called, or answer at once."""
        asks = _core.arrive(environ, require=self.require)
        return asks if isinstance(asks, bool) else Answer(*asks)

    def judge(self, environ: dict[str, Any], told: object) -> Answer | None:
        """Judge by what the function returned; None if the view is to run."""
        answer = _core.judge(environ, told, require=self.require, accept_weakened=self.accept_weakened)
        return None if answer is None else Answer(*answer)


def failed(environ: dict[str, Any], function: object) -> Answer | None:
    """Log the exception being handled. Writes fail closed with 503; for reads the view runs (None)."""
    answer = _core.failed(environ)
    then = "the view's own response goes out" if answer is None else "the write is answered 503"
    name = getattr(function, "__qualname__", repr(function))
    _logger.exception("the validator function %s failed, %s", name, then)  # noqa: LOG004 - called where it is handled
    return None if answer is None else Answer(*answer)


def finish(environ: dict[str, Any], status: int, headers: list[tuple[str, str]]) -> Answer | None:
    """Put the validator on the view's answer to a read, and judge it; None if there is nothing to do."""
    answer = _core.finish(environ, status, headers)
    return None if answer is None else Answer(*answer)
