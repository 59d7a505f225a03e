"""The compiled core of notmodified. Import its names from `notmodified`."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from os import PathLike
from typing import Any, Final, Literal, TypedDict, final, type_check_only

from _typeshed import ReadableBuffer
from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment
from typing_extensions import Self, disjoint_base

from notmodified.decision import Decision

__all__ = [
    "CacheControl",
    "Config",
    "ConfigError",
    "EntityTag",
    "NotModified",
    "__version__",
    "evaluate",
]

__version__: Final[str]

@final
class EntityTag:
    """An entity-tag (RFC 9110 §8.8.3): a validator that names one state of a representation.

    `EntityTag.of(body)` makes one from content, `EntityTag.parse(text)` reads one. Immutable; equal if the
    opaque part and the weakness are.
    """

    @classmethod
    def of(cls, body: ReadableBuffer, weak: bool = False, key: bytes | None = None) -> Self:
        """Make the tag of some content: the first 128 bits of its BLAKE3 hash, the same everywhere.

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

@final
class CacheControl:
    """The directives of a Cache-Control field (RFC 9111 §5.2, RFC 5861, RFC 8246).

    `CacheControl(public=True, max_age=60)` says them, `CacheControl.parse(text)` reads them. Times are
    seconds; `private` and `no_cache` take True or a list of field names, `max_stale` True or seconds,
    `extensions` a mapping of other directives to their argument, or to True where there is none.
    Immutable; equal if the directives are.
    """

    def __new__(
        cls,
        *,
        public: bool = False,
        private: bool | Sequence[str] = False,
        no_cache: bool | Sequence[str] = False,
        no_store: bool = False,
        no_transform: bool = False,
        must_revalidate: bool = False,
        proxy_revalidate: bool = False,
        must_understand: bool = False,
        immutable: bool = False,
        max_age: int | None = None,
        s_maxage: int | None = None,
        stale_while_revalidate: int | None = None,
        stale_if_error: int | None = None,
        only_if_cached: bool = False,
        max_stale: bool | int | None = None,
        min_fresh: int | None = None,
        extensions: Mapping[str, str | int | bool] | None = None,
    ) -> Self: ...
    @classmethod
    def parse(cls, value: str, *, strict: bool = False) -> Self:
        """Read the directives in a field value.

        What a header off the wire has wrong is passed over, in the sense that reuses least: a max-age that is
        no number is 0 (RFC 9111 §4.2.1), of two the first counts. With `strict=True` anything doubtful raises
        ValueError.
        """
    def contradictions(self) -> list[str]:
        """Say what in these directives contradicts itself, a sentence each."""
    @property
    def public(self) -> bool: ...
    @property
    def private(self) -> bool | tuple[str, ...]:
        """True, False, or a tuple of the field names that are private."""
    @property
    def no_cache(self) -> bool | tuple[str, ...]:
        """True, False, or a tuple of the field names that must not be used without revalidation."""
    @property
    def no_store(self) -> bool: ...
    @property
    def no_transform(self) -> bool: ...
    @property
    def must_revalidate(self) -> bool: ...
    @property
    def proxy_revalidate(self) -> bool: ...
    @property
    def must_understand(self) -> bool: ...
    @property
    def immutable(self) -> bool: ...
    @property
    def max_age(self) -> int | None: ...
    @property
    def s_maxage(self) -> int | None: ...
    @property
    def stale_while_revalidate(self) -> int | None: ...
    @property
    def stale_if_error(self) -> int | None: ...
    @property
    def only_if_cached(self) -> bool: ...
    @property
    def max_stale(self) -> Literal[True] | int | None:
        """True for any staleness, seconds, or None."""
    @property
    def min_fresh(self) -> int | None: ...
    @property
    def extensions(self) -> dict[str, str | Literal[True]]:
        """Every other directive, by its name in lower case: its argument, or True where it has none."""
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...

class ConfigError(ValueError):
    """A configuration is wrong.

    The text names the file, the line, the key, the value seen and what would be right.
    """

@type_check_only
class _Policy(TypedDict):
    path: list[str]
    method: list[str]
    status: list[str]
    media_type: list[str]
    cache_control: str | None
    expires: int | None
    vary: list[str]
    etag: Literal["auto", "content", "weak", "off"]
    take_over: bool
    override: bool

@final
class Config:
    """A configuration, checked.

    `Config(max_body=1_000_000, policy=[...])` says it in keywords, `Config.load(path)` reads a
    `notmodified.toml` or the table [tool.notmodified] of a `pyproject.toml`, `Config.from_mapping(mapping)`
    takes the same keys from a mapping. All of them raise ConfigError if something is wrong. Immutable.
    """

    def __new__(
        cls,
        *,
        head_as_get: bool = True,
        tag_suffixes: bool = True,
        max_body: int = 4194304,
        max_file: int = 67108864,
        tag_key: str | None = None,
        policy: Sequence[Mapping[str, object]] = (),
    ) -> Self: ...
    @classmethod
    def load(cls, path: str | PathLike[str]) -> Self:
        """Read a file. One that is called `pyproject.toml` has the settings in its table [tool.notmodified].

        Raises OSError if it cannot be read, ConfigError if something in it is wrong.
        """
    @classmethod
    def from_mapping(cls, mapping: Mapping[str, object]) -> Self:
        """Take the settings from a mapping with the keys of the file. None counts as left out."""
    @property
    def head_as_get(self) -> bool: ...
    @property
    def tag_suffixes(self) -> bool: ...
    @property
    def max_body(self) -> int: ...
    @property
    def max_file(self) -> int: ...
    @property
    def has_tag_key(self) -> bool:
        """Whether tags are made with a key. The key itself is not shown."""
    @property
    def policies(self) -> list[_Policy]:
        """The policies in their order, each a dict with every key of it, what was left out filled in.

        An empty list of media types stands for any.
        """
    def explain(
        self, path: str, *, method: str = "GET", status: int = 200, media_type: str | None = None
    ) -> list[Literal["applies", "later", "path", "method", "status", "media-type"]]:
        """Say what becomes of each policy for a request and its response, a word each.

        `applies` for the one they get, `later` for one that would match but comes after it, else what does
        not match. `path` is a PATH_INFO (PEP 3333): percent-decoded, each octet a character.
        """
    def takes_over(self, path: str, *, method: str = "GET") -> bool:
        """Whether a policy takes over judging for such a request: If-* and Range are hidden from the app."""

def evaluate(
    environ: WSGIEnvironment,
    etag: EntityTag | str | None = None,
    last_modified: datetime | str | int | None = None,
    *,
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

@disjoint_base
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
        """Return the counts since this process started, by name."""
    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]: ...
