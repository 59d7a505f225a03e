"""What the evaluation of preconditions comes to."""

from __future__ import annotations

from enum import Enum


class Decision(Enum):
    """The outcome of RFC 9110 §13.2.2: what to answer, as far as the preconditions decide it."""

    PROCEED = None
    """No precondition is false: perform the method."""
    NOT_MODIFIED = 304
    """GET or HEAD, and the client has the current representation."""
    PRECONDITION_FAILED = 412
    """The representation is not the one that the client means."""

    @property
    def status(self) -> int | None:
        """The status code of the answer, 304 or 412; None for PROCEED."""
        status: int | None = self.value
        return status
