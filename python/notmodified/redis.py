"""What carries the validator cache to a Redis or Valkey server: the client library of the application.

The compiled core says what to send and judges what comes back; nothing of that is here.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import inspect
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from notmodified._core import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

# The packages that know a scheme, the first that is installed.
_PACKAGES = {
    "redis": ("redis", "valkey"),
    "rediss": ("redis", "valkey"),
    "unix": ("redis", "valkey"),
    "valkey": ("valkey",),
    "valkeys": ("valkey",),
}
# What a server answers that is there and refuses.
_REFUSED = {"ResponseError", "DataError"}
# Some exceptions show the whole client.
_MAX_TEXT = 200


class LinkError(Exception):
    """A call to the server failed. Its text has no secret in it."""

    def __init__(self, text: str, *, is_gone: bool) -> None:
        """Say what failed, and whether the server did not answer at all, or not in time."""
        super().__init__(text)
        self.is_gone = is_gone


class Link:
    """A client that runs the scripts of the validator cache. It connects when it is used."""

    def __init__(
        self, address: str, shown: str, timeout: float, scripts: Sequence[str], client: Any = None
    ) -> None:
        """Make or find the client, if none is given.

        `address` is a URL, or `module:name` of a client or of a function that returns one; of a client that
        is given, the name of its class. `shown` is it without secrets. `timeout` is in seconds, for
        connecting and for each answer; a client of the application's own has its own. Raises ConfigError if
        there is no such client, or one that can't be used.
        """
        self._shown = shown
        # As octets, which clients pass on as they are.
        texts = [text.encode() for text in scripts]
        self._scripts = [
            (hashlib.sha1(text, usedforsecurity=False).hexdigest().encode(), text) for text in texts
        ]
        if "://" in address:
            self._secrets = _secrets(address)
            self._client = _from_url(address, shown, timeout)
        else:
            self._client = _usable(_imported(address) if client is None else client, address)
            self._secrets = _secrets_of(self._client)
        # Always with NEVER_DECODE: as octets, even if the client decodes what it gets.
        self._execute = self._client.execute_command

    def run(self, script: int, keys: int, *words: bytes) -> bytes:
        """Run a script by its digest, or send it where the server does not have it.

        `words` are as many keys, then arguments.
        """
        digest, text = self._scripts[script]
        count = b"%d" % keys
        reply: bytes
        try:
            reply = self._execute("EVALSHA", digest, count, *words, NEVER_DECODE=True)
        except Exception as error:  # noqa: BLE001  each library has exceptions of its own
            if type(error).__name__ != "NoScriptError":
                raise self._failed(error) from None
            try:
                reply = self._execute("EVAL", text, count, *words, NEVER_DECODE=True)
            except Exception as other:  # noqa: BLE001  as above
                raise self._failed(other) from None
        return reply

    def set_if_absent(self, key: bytes, milliseconds: int) -> bool:
        """Set a key that expires, if it is not there; return whether it was not."""
        try:
            return bool(self._execute("SET", key, b"1", "NX", "PX", milliseconds, NEVER_DECODE=True))
        except Exception as error:  # noqa: BLE001  as above
            raise self._failed(error) from None

    def _failed(self, error: Exception) -> LinkError:
        kinds = {kind.__name__ for kind in type(error).__mro__}
        if "ReadOnlyError" in kinds:
            # It is a primary no more; whoever is reached by a new connection may be.
            with contextlib.suppress(Exception):
                self._client.connection_pool.disconnect(inuse_connections=False)
        text = str(error)
        for secret in self._secrets:
            text = text.replace(secret, "***")
        text = text if len(text) <= _MAX_TEXT else f"{text[:_MAX_TEXT]}…"
        return LinkError(f"{self._shown}: {type(error).__name__}: {text}", is_gone=not kinds & _REFUSED)


def _secrets(url: str) -> list[str]:
    """Return what of a URL no message may repeat."""
    try:
        parts = urlsplit(url)
        written = parts.password
    except ValueError:
        return []
    return [secret for secret in {written, unquote(written or "")} if secret]


def _secrets_of(client: Any) -> list[str]:
    """Return what of a client of the application's own no message may repeat."""
    options = getattr(getattr(client, "connection_pool", None), "connection_kwargs", {})
    password = options.get("password")
    return [password] if isinstance(password, str) and password else []


def _from_url(url: str, shown: str, timeout: float) -> Any:
    packages = _PACKAGES[url.partition("://")[0].lower()]
    package = None
    for name in packages:
        with contextlib.suppress(ModuleNotFoundError):
            package = importlib.import_module(name)
            break
    if package is None:
        msg = (
            f'store = "{shown}": the Python package {packages[0]} is not installed: '
            f"pip install 'notmodified[{packages[0]}]'"
        )
        raise ConfigError(msg)
    client = package.Redis if hasattr(package, "Redis") else package.Valkey
    options = {
        "socket_timeout": timeout,
        # What was sent may have been done; the validator cache asks anew when there is something to ask.
        "retry": importlib.import_module(f"{package.__name__}.retry").Retry(
            importlib.import_module(f"{package.__name__}.backoff").NoBackoff(), 0
        ),
    }
    if not url.lower().startswith("unix:"):
        options["socket_connect_timeout"] = timeout
    try:
        return client.from_url(url, **options)
    except Exception as error:  # noqa: BLE001  as above
        # Its text may have a part of the password in it, such as one with a slash.
        msg = f'store = "{shown}": {package.__name__} can\'t read this URL ({type(error).__name__})'
        raise ConfigError(msg) from None


def _imported(name: str) -> Any:
    module, _, path = name.partition(":")
    try:
        found: Any = importlib.import_module(module)
        for part in path.split("."):
            found = getattr(found, part)
    except Exception as error:
        msg = f'store = "{name}": it cannot be imported: {error}'
        raise ConfigError(msg) from error
    if not hasattr(found, "execute_command") and callable(found):
        found = found()
    if not hasattr(found, "execute_command"):
        msg = (
            f'store = "{name}": {type(found).__name__} is no client of redis-py or valkey-py, and no '
            "function that returns one"
        )
        raise ConfigError(msg)
    return found


def _usable(client: Any, name: str) -> Any:
    if inspect.iscoroutinefunction(client.execute_command):
        msg = f'store = "{name}": the client is asynchronous: give one of redis.Redis or valkey.Valkey'
        raise ConfigError(msg)
    # Its socket would be that of all workers that are forked, and one would read the answers to another.
    if getattr(client, "connection", None) is not None:
        msg = (
            f'store = "{name}": the client has a single connection: make it without single_connection_client'
        )
        raise ConfigError(msg)
    return client
