"""The compiled core of notmodified. Import its names from `notmodified`."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from os import PathLike
from pathlib import Path
from typing import Any, ClassVar, Final, Literal, Protocol, TypeAlias, TypedDict, final, type_check_only

from _typeshed import ReadableBuffer
from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment
from typing_extensions import Self, disjoint_base

from notmodified.decision import Decision

__all__ = [
    "ASK_APP",
    "AskApp",
    "Assets",
    "CacheControl",
    "Config",
    "ConfigError",
    "EntityTag",
    "Exchange",
    "LogError",
    "NotModified",
    "Representation",
    "StoreError",
    "Untaken",
    "__version__",
    "analyse_logs",
    "arrive",
    "asset_url",
    "audit",
    "audit_messages",
    "audit_probes",
    "evaluate",
    "failed",
    "finding_kinds",
    "finish",
    "has_stores",
    "invalidate_stores",
    "judge",
    "parse_log_lines",
    "set_policies",
    "store_config",
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
    seconds, or such as "1h" and "30d"; `private` and `no_cache` take True or a list of field names,
    `max_stale` True or a time, `extensions` a mapping of other directives to their argument, or to True where
    there is none. Immutable; equal if the directives are.
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
        max_age: int | str | None = None,
        s_maxage: int | str | None = None,
        stale_while_revalidate: int | str | None = None,
        stale_if_error: int | str | None = None,
        only_if_cached: bool = False,
        max_stale: bool | int | str | None = None,
        min_fresh: int | str | None = None,
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

@final
class AskApp:
    """The type of ASK_APP."""

ASK_APP: Final[AskApp]
"""What a validator function returns to let the app judge for itself."""

@final
class Representation:
    """What a validator function says of a resource: its validators, and maybe the fields of its 200.

    `etag` is an EntityTag, a tag as it stands in a field, or None; `last_modified` a datetime (a naive one is
    UTC), an HTTP-date, an int of seconds since 1970, or None. `headers` are the other fields that the 200 has
    (Cache-Control, Vary, Content-Location, CORS and so on), a mapping or a list of pairs: with them a GET can
    be answered 304 without running the app (RFC 9110 §15.4.5), and they are put on the 200 too, so that both
    say the same. `[]` says that there are no others, None that they are not known. Raises ValueError for what
    no field can hold and for fields that are of one answer only, such as Set-Cookie; TypeError for another
    type. Immutable.
    """

    def __new__(
        cls,
        etag: EntityTag | str | None = None,
        last_modified: datetime | str | int | None = None,
        *,
        headers: Mapping[str, str] | Iterable[tuple[str, str]] | None = None,
    ) -> Self: ...
    @property
    def etag(self) -> EntityTag | None:
        """The entity-tag, or None."""
    @property
    def last_modified(self) -> datetime | None:
        """When it last changed, to the second, in UTC; or None."""
    @property
    def headers(self) -> list[tuple[str, str]] | None:
        """The other fields of its 200, or None where they are not known."""
    def __eq__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]  # as typeshed says it of what has no hash

@final
class Assets:
    """Static files and their versions: those of the folders that `assets` in a configuration names.

    `Assets(config)` takes what `NotModified` takes. Where it names a manifest the versions come from there;
    with `build=True` all files are read. Raises ConfigError, which names the file, the key and the value, if
    there are no assets or something is wrong with them. Immutable.
    """

    def __new__(
        cls,
        config: str | PathLike[str] | Config | Mapping[str, object] | None = None,
        *,
        build: bool = False,
    ) -> Self: ...
    def url(self, name: str) -> str | None:
        """Return the URL of a file's current version: of "/static/css/app.css" or "css/app.css".

        None if there is no such file.
        """
    def versioned(self, name: str) -> str | None:
        """Return the path of a file's current version: not percent-encoded, and without `base_url`.

        None if there is no such file.
        """
    def plain_url(self, name: str) -> str:
        """Return the URL of a file without a version."""
    def import_map(self) -> str:
        """Return an import map for a `<script type="importmap">`, as JSON.

        It leads from the URLs of the JavaScript modules to those of their current versions.
        """
    def manifest(self) -> str:
        """Return the manifest, as JSON: the same octets wherever the files are the same."""
    def asked(
        self, path: str, query: str = ""
    ) -> tuple[Literal["current", "kept", "old", "plain", "missing"], str] | None:
        """Return what a request for a path is for, in one word, and the Cache-Control that goes with it.

        `current`, `kept` from an earlier build, `old` for any other version, `plain` for a file by its own
        name, `missing` for a version of what there is not. None if it is for none of these files. `path` and
        `query` are a `PATH_INFO` and a `QUERY_STRING` (PEP 3333): percent-decoded, each octet a character.
        """
    def versions(self) -> dict[str, str]:
        """Return the files by their paths, each with the path of its current version."""
    def rewritten(self, name: str) -> bytes | None:
        """Return what is sent in place of what is on disk: a style sheet with rewritten references.

        None for a file that is sent as it is.
        """
    def keep(self, manifest: str | PathLike[str], earlier: int) -> tuple[int, int]:
        """Keep the content of all files in a folder beside a manifest, with that of `earlier` builds.

        The folder has the manifest's name and ".kept". What older builds had is removed from it. Return how
        many builds there are by now, with this one, and how many bytes. Raises OSError if something can't be
        read or written.
        """
    @property
    def base_url(self) -> str | None:
        """What stands before the paths in URLs, or None."""
    @property
    def warnings(self) -> list[dict[str, str]]:
        """What is not as it should be: dicts with `id`, `path` and `text`."""
    def __len__(self) -> int: ...

def asset_url(name: str) -> str:
    """Return the URL of a static file's current version: "css/app.css" is "/static/css/app.<version>.css".

    The files are those of the middleware in this process. A name without a slash before it is looked for
    below each path that `assets` names. Of a file that there is not, the URL has no version. Raises
    LookupError where no assets are configured.
    """

class StoreError(RuntimeError):
    """The store of the validator cache can't be used: what was to be invalidated may not be."""

def has_stores(*, shared: bool = False) -> bool:
    """Whether anything in this process uses a store; with `shared`, one that other processes use too."""

def invalidate_stores(
    target: str | None = None,
    *,
    groups: Sequence[str] = ...,
    everything: bool = False,
    config: Config | None = None,
) -> list[tuple[Path, bool]]:
    """Invalidate at once, in every store that this process uses, or in the one that `config` names.

    Returns the files of the host's stores, each with whether it is there; nothing in a process that has
    served, for others make none that is missing. Raises ValueError for a target that is neither path nor URL,
    LookupError if there is no store, StoreError if one can't be used.
    """

def store_config(config: str | PathLike[str] | Config | Mapping[str, object]) -> Config:
    """Read a configuration for the sake of its store alone.

    `release` and `tag_key` matter to no invalidation, and may name variables that this process does not have.
    """

class ConfigError(ValueError):
    """A configuration is wrong.

    The text names the file, the line, the key, the value seen and what would be right.
    """

class LogError(ValueError):
    """An access log makes no sense. The text shows a line and the format that it was read with."""

def analyse_logs(
    sources: Sequence[str | PathLike[str]],
    *,
    format: str | None = None,  # noqa: A002  what the option is called
    fields: Sequence[tuple[str, str]] = ...,
    routes: Sequence[tuple[str, str]] = ...,
    risk: float = 0.01,
    max_memory: int = 1073741824,
    threads: int = 0,
    simulate: Config | None = None,
    shared_cache: bool = False,
    client_cache: int = 268435456,
    progress: Callable[[int], object] | None = None,
) -> str:
    """Analyse access logs; return the JSON document that `notmodified logs --json` prints.

    `sources` are paths, or `-` for standard input; gzip, zstd and bzip2 are told by their first bytes.
    `format` is Gunicorn's or nginx's notation or a name, None for whatever the first lines are in; `fields`
    are pairs of a field's word and its key in JSON lines. `routes` are path templates that come before those
    that are found, each with the place where it is written, which errors name. `risk` is the share of
    outdated uses that a proposed lifetime may have. Past `max_memory` bytes, of the whole process, whole
    clients are drawn. `threads` of 0 are as many as there are processors. `simulate` is a Config whose
    policies are tried out, with caches of `client_cache` bytes and a shared one if asked for. `progress` is
    called now and then with the bytes read.

    Raises `OSError` if a source can't be read, `LogError` if it makes no sense, `ValueError` if an argument
    is wrong or a shared cache is to be simulated for a log that does not fit. Releases the GIL.
    """

def audit(recording: str, linted: str | None = None) -> str:
    """Judge a recording of exchanges; return the JSON document that `notmodified check --json` prints.

    `recording` is JSON too, as `notmodified check --record` writes it. `linted` is what a linter said of its
    `audit_messages`, if one was asked. Raises `ValueError` if it is none, or one of another form. Releases
    the GIL.
    """

def audit_messages(recording: str) -> str:
    """Return the responses of a recording that a linter of messages should look at, with their requests.

    It is JSON. Raises `ValueError` as `audit` does. Releases the GIL.
    """

def audit_probes() -> list[tuple[str, str]]:
    """Return the words for what a recorded request may be sent for, each with what it is in words."""

def finding_kinds() -> str:
    """Return the kinds of findings as JSON: those of `notmodified check` under `check`, of `logs` beside it.

    Each list is worst first.
    """

def parse_log_lines(
    lines: Sequence[bytes],
    *,
    format: str | None = None,  # noqa: A002  what the option is called
    fields: Sequence[tuple[str, str]] = ...,
) -> tuple[str, list[tuple[dict[str, bytes], bool] | None]]:
    """Take lines of a log apart, as `analyse_logs` does.

    Return the format and, for each line, its values by their words (`status`, `user-agent`, …) as they were
    before the server put them in the line, and whether it could be read in another way too; None for a line
    that makes no sense. Without a `format` it is told from the lines.

    Raises `ValueError` if a format or a field is wrong, `LogError` if the format can't be told.
    """

# A synchronous client of redis-py or valkey-py.
@type_check_only
class _Client(Protocol):
    def execute_command(self, *args: Any, **options: Any) -> Any: ...

_Preset: TypeAlias = Literal["static-versioned", "static-unversioned", "page", "api", "private", "never"]

@type_check_only
class _Policy(TypedDict):
    path: list[str]
    method: list[str]
    status: list[str]
    media_type: list[str]
    preset: _Preset | None
    versioned: bool
    cache_control: str | None
    with_cookies: str | None
    notmodified_cache_control: str | None
    fields: dict[str, str]
    expires: int | None
    vary: list[str]
    etag: Literal["auto", "content", "weak", "off"]
    ignore: list[str] | None
    take_over: bool
    override: bool
    preconditions: Literal["get"] | None
    require: bool

# What is done with a write before the app acts.
@type_check_only
class _Guard(TypedDict):
    judged_by: str | None
    require: bool
    policy: int | None

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
        etag: Mapping[str, object] | None = None,
        accept_weakened: bool = False,
        validators: Mapping[str, str | Callable[..., object]] = {},
        assets: Mapping[str, object] | None = None,
        store: str | _Client | None = None,
        store_path: str | None = None,
        store_size: int = 33554432,
        store_timeout: float | str = 0.25,
        release: str | Mapping[str, str] | None = None,
        vary_cookies: str | Sequence[str] = (),
        settle: int | str = 0,
        obey_request_directives: bool = False,
        cache_status: bool = False,
        explain: bool = False,
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
    def ignore(self) -> list[str]:
        """What is left out of tags made from the content, unless a policy says otherwise, in words.

        Presets by their names, patterns between slashes.
        """
    @property
    def accept_weakened(self) -> bool: ...
    @property
    def validators(self) -> dict[str, str]:
        """The path templates that have a validator function, in their order, with its name."""
    @property
    def assets(self) -> dict[str, Any] | None:
        """The folders of static files by their paths, and the other keys of `assets`, or None."""
    @property
    def store(self) -> str | None:
        """Where the validator cache keeps what it stores, or None for no cache.

        "process", "host", a URL without what is secret in it, or the name of a client (of its class, if the
        client itself was given).
        """
    @property
    def store_path(self) -> str | None:
        """The file of the host's store, if it is not the usual one."""
    @property
    def store_size(self) -> int:
        """How large the store is, in bytes."""
    @property
    def store_timeout(self) -> float:
        """For how many seconds the answer of a Redis or Valkey server is waited for."""
    @property
    def release(self) -> str | None:
        """What the deployed code is called, as it was found."""
    @property
    def vary_cookies(self) -> list[str]:
        """The cookies that Vary: Cookie stands for; all if there are none."""
    @property
    def settle(self) -> int:
        """For how many seconds after an invalidation nothing is stored."""
    @property
    def obey_request_directives(self) -> bool:
        """Whether the directives of requests are obeyed (RFC 9111 §5.2.1)."""
    @property
    def cache_status(self) -> Literal["off", "on", "explain"]:
        """Whether responses have Cache-Status, and whether it says why, too."""
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
    def guard(self, path: str, *, method: str) -> _Guard | None:
        """Say what is done with a write before the app acts, None if nothing is.

        `judged_by` is the name of the function that tells what is current, "get" for a GET to the same app,
        or None for the app itself; `require`, whether it must have a precondition; `policy`, the number of
        the policy that says so, if one does.
        """

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

_Answer: TypeAlias = tuple[int, list[tuple[str, str]], bytes | None]

def arrive(environ: dict[str, Any], *, require: bool = False) -> bool | _Answer:
    """Tell whether the validator function of a decorated view is to be called, or answer at once."""

def judge(
    environ: dict[str, Any], told: object, *, require: bool = False, accept_weakened: bool | None = None
) -> _Answer | None:
    """Judge by what the validator function returned; None if the view is to run.

    `accept_weakened` is None where the configuration of the middleware around the view says. Raises TypeError
    and ValueError if it is nothing that such a function may return.
    """

def set_policies(environ: dict[str, Any], policies: Config) -> None:
    """Leave a view's own policies in the environ, for the middleware around it."""

def failed(environ: dict[str, Any]) -> _Answer | None:
    """Answer a write whose validator function failed; None for a read, which the view answers."""

def finish(environ: dict[str, Any], status: int, headers: list[tuple[str, str]]) -> _Answer | None:
    """Put the validators that were told on a view's answer to a read, and judge it unless a middleware does.

    None if there is nothing to do; None for the content stands for the view's own.
    """

@disjoint_base
class NotModified:
    """WSGI middleware that gives responses their validators and answers conditional GET and HEAD.

    `application` is the WSGI app. `config` is a path to a configuration file, a Config, a mapping or None;
    keyword options are laid over it. Raises ConfigError (a ValueError) if the configuration is wrong.

    What became of a request stands in `environ["notmodified.result"]` before the last byte goes out:
    `not-modified`, `remembered`, `modified`, `partial`, `unsatisfiable`, `failed`, `required`,
    `unavailable`, `passed`, `unconditional`, `app`, `bypass` or `error`.
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
    @property
    def asks_application(self) -> bool:
        """Whether a policy has `preconditions = "get"`, so that the app is asked before a write."""
    @property
    def assets(self) -> Assets | None:
        """The static files that `assets` in the configuration names, or None."""
    def stats(self) -> dict[str, int]:
        """Return the counts since this process started, by name."""
    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]: ...

@final
class Exchange:
    """One request on its way through a framework's own middleware.

    `Exchange.arrive(core, environ)` takes the request in: the environ is then as the app is to see it. When
    the app is done, `answer()` says what to send; where there is no response, `abandon()` is called instead.
    """

    @staticmethod
    def arrive(
        core: NotModified, environ: dict[str, Any]
    ) -> Exchange | Untaken | tuple[str, list[tuple[str, str]], bytes] | None:
        """Take in a request.

        Returns None if the app is to be run as if we were not there: an instance outside is at work on it.
        Returns status line, fields and content if it is answered without the app, Untaken if we failed.
        """
    def stand_in(self, start_response: Callable[..., object]) -> Iterable[bytes] | None:
        """Return what a static file is answered with in the app's place, or None if the app is to answer.

        Calls `start_response` before. What is returned for a file has that as its `filelike`.
        """
    def answer(
        self, status: str, headers: list[tuple[str, str]], body: tuple[bytes, ...] | object | None
    ) -> tuple[str, list[tuple[str, str]], bytes | Iterator[bytes] | None] | None:
        """Judge the response.

        `status` is its status line, `headers` a list of pairs, `body` a tuple of bytes if it is all there, an
        object with the file as its `filelike` if it is one, or None for a stream.

        Returns None if it goes out as it is, else its status line, its fields, and its content where that is
        another: bytes, or for ranges of a file an iterator over them that has a `close()`.
        """
    def fail(self, error: BaseException) -> None:
        """Count and log this exception of the caller's; the app's own response goes out."""
    def abandon(self) -> None:
        """Say that the app gave no response, but an exception: the environ is as before."""

@final
class Untaken:
    """In the place of an Exchange that failed to begin.

    The app's own response goes out, without Notmodified-Cache-Control, and a write is heard of.
    """

    def stand_in(self, start_response: Callable[..., object]) -> None:
        """As that of Exchange: the app answers."""
    def answer(
        self, status: str, headers: list[tuple[str, str]], body: tuple[bytes, ...] | object | None
    ) -> tuple[str, list[tuple[str, str]], None] | None:
        """As that of Exchange, but nothing is judged."""
    def fail(self, error: BaseException) -> None:
        """As that of Exchange."""
    def abandon(self) -> None:
        """As that of Exchange: there is nothing to restore."""
