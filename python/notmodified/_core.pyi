"""The compiled core of notmodified. Import its names from `notmodified`."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from os import PathLike
from typing import Any, Final, final

from _typeshed import ReadableBuffer
from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment
from typing_extensions import Self

from notmodified.decision import Decision

__version__: Final[str]

@final
class EntityTag:
    """An entity-tag (RFC 9110 §8.8.3): a validator that names one state of a representation.

    `EntityTag.of(body)` makes one from content, `EntityTag.parse(text)` reads one. Immutable; equal if the
    opaque part and the weakness are.
    """

    @classmethod
    def of(cls, body: ReadableBuffer, weak: bool = False, key: bytes | None = None) -> Self:
        """The tag of some content: the first 128 bits of its BLAKE3 hash, the same everywhere.

        With `key` (bytes, best 16 or more secret ones) only who has the key can compute it. `weak=True` makes
        a weak tag. Raises TypeError for what is not bytes-like.
        """
    @classmethod
    def parse(cls, text: str) -> Self:
        """Read an entity-tag as it stands in a field, for instance `W/"abc"`; ValueError on anything else."""
    @property
    def opaque(self) -> str:
        """The opaque part, without quotes."""
    @property
    def weak(self) -> bool:
        """Whether it is a weak validator."""
    def strong_eq(self, other: EntityTag) -> bool:
        """Strong comparison (RFC 9110 §8.8.3.2), for If-Match and If-Range."""
    def weak_eq(self, other: EntityTag) -> bool:
        """Weak comparison (RFC 9110 §8.8.3.2), for If-None-Match."""
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...

def evaluate(
    environ: WSGIEnvironment,
    *,
    etag: EntityTag | str | None = None,
    last_modified: datetime | str | int | None = None,
    exists: bool = True,
) -> Decision:
    """Judge the preconditions of a request (RFC 9110 §13.2.2) against the current representation.

    `environ` is a WSGI environ: REQUEST_METHOD and the HTTP_IF_* fields are read. `last_modified` is a
    datetime (a naive one is UTC), an HTTP-date, or seconds since 1970. `exists=False` says that there is no
    current representation. Call it only for requests that would be answered 2xx without preconditions
    (§13.2.1).

    No request field raises: malformed dates are ignored, a malformed If-Match is false. Raises ValueError for
    an `etag` or a `last_modified` that is none, TypeError for one of another type.
    """

class NotModified:
    """WSGI middleware that gives responses their validators and answers conditional GET and HEAD.

    `application` is the WSGI app. `config` is a path to a configuration file, a Config, a mapping or None;
    keyword options are laid over it. Raises ConfigError (a ValueError) if the configuration is wrong.

    What became of a request stands in `environ["notmodified.result"]` before the last byte goes out:
    `not-modified`, `modified`, `failed`, `unconditional`, `app`, `bypass` or `error`.
    """

    def __new__(
        cls,
        application: WSGIApplication,
        config: str | PathLike[str] | Config | Mapping[str, Any] | None = None,
        **options: Any,
    ) -> Self: ...
    @property
    def application(self) -> WSGIApplication:
        """The WSGI app that is wrapped."""
    def stats(self) -> dict[str, int]:
        """Counts since this process started, by name."""
    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]: ...
