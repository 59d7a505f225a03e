"""Invalidate what the validator cache has stored, from wherever something changes.

    notmodified.invalidate("/articles/42")              # a path: every host, query and variant of it
    notmodified.invalidate("https://a.example/x?y=1")   # a URL: exactly that, in every variant
    notmodified.invalidate(groups=["articles"])         # RFC 9875 groups
    notmodified.invalidate(everything=True)

When it returns, no worker on the host answers from what was stored before, nor from what a request that has
begun will still store.
"""

from __future__ import annotations

import importlib
import logging
import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from notmodified._core import has_stores, invalidate_stores, store_config
from notmodified.host_store import NoStoreError, absent, doubt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from notmodified._core import Config

__all__ = ["Invalidated", "NoStoreError", "invalidate", "on_invalidate"]

_log = logging.getLogger("notmodified")


@dataclass(frozen=True)
class Invalidated:
    """What was invalidated: paths, URLs and cache groups as they were said, or everything."""

    paths: tuple[str, ...] = ()
    urls: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    everything: bool = False


_hooks: list[Callable[[Invalidated], object]] = []


def on_invalidate(hook: Callable[[Invalidated], object]) -> Callable[[Invalidated], object]:
    """Have `hook` called with the names after each invalidation in this process, to purge a CDN for instance.

    It is called after the validator cache has forgotten them: for `invalidate()` by the caller, whom its
    exceptions reach; for a write that was answered 2xx or 3xx before that answer goes out, and its exceptions
    are logged. Returns `hook`, so that it serves as a decorator.
    """
    _hooks.append(hook)
    return hook


def invalidate(
    target: str | None = None,
    *,
    groups: Iterable[str] = (),
    everything: bool = False,
    config: str | os.PathLike[str] | Config | Mapping[str, object] | None = None,
    on_commit: bool = True,
) -> None:
    """Invalidate stored responses: those of a path or a URL, of cache groups (RFC 9875), or everything.

    `target` is a path (with every host, query and variant; a query in it is not looked at), or a URL (exactly
    that, in every variant). `groups` are of any origin. The store is that of the middleware in this process;
    elsewhere (a shell, a Celery task) the one that `config` names, else Django's setting NOTMODIFIED, else
    the file that the variable NOTMODIFIED_CONFIG names. The store of a host is its user's: do it as the user
    that the server runs as.

    Inside a Django transaction it happens when that commits, and not at all if it is rolled back;
    `on_commit=False` is at once. Raises ValueError for what is neither path nor URL, LookupError if no store
    is configured, StoreError if it can't be reached: what was to be invalidated may then still be answered,
    until it is stale. A process that serves nothing does not make the store of a host: where there is none it
    raises StoreError if other users have one, and else NoStoreError, which is a StoreError too.
    """
    _invalidate(target, groups, everything=everything, config=config, on_commit=on_commit)


def invalidate_as_saved(target: str | None = None, *, groups: Iterable[str] = ()) -> None:
    """Do the same for an object that was saved, whoever serves yet: that there is no store is only logged."""
    _invalidate(target, groups, if_stored=True)


def _invalidate(  # noqa: PLR0913 - ours alone
    target: str | None,
    groups: Iterable[str],
    *,
    everything: bool = False,
    config: str | os.PathLike[str] | Config | Mapping[str, object] | None = None,
    on_commit: bool = True,
    if_stored: bool = False,
) -> None:
    if isinstance(groups, str):
        msg = f"groups is a list of names, not one: groups=[{groups!r}]"
        raise TypeError(msg)
    names = _names(target, tuple(groups), everything)
    found = configured(config)

    def now() -> None:
        files = invalidate_stores(target, groups=list(names.groups), everything=everything, config=found)
        try:
            _tell(names, files)
        except NoStoreError as error:
            if not if_stored:
                raise
            _log.warning("%s", error)

    waiting_for = _transactions() if on_commit else []
    for transaction, alias in waiting_for:
        transaction.on_commit(now, using=alias)
    if not waiting_for:
        now()


def _names(target: str | None, groups: tuple[str, ...], everything: bool) -> Invalidated:  # noqa: FBT001 - ours alone
    is_path = target is not None and target.startswith("/")
    is_url = target is not None and target.lower().startswith(("http://", "https://"))
    if target is not None and not (is_path and not target.startswith("//")) and not is_url:
        msg = f"give a path that starts with one slash, or a URL with http:// or https://, not {target!r}"
        raise ValueError(msg)
    if target is None and not groups and not everything:
        msg = "nothing to invalidate: give a path, a URL, groups or everything=True"
        raise ValueError(msg)
    return Invalidated(
        paths=(target,) if target is not None and is_path else (),
        urls=(target,) if target is not None and is_url else (),
        groups=groups,
        everything=everything,
    )


def configured(
    config: str | os.PathLike[str] | Config | Mapping[str, object] | None, option: str = "config="
) -> Config | None:
    """Return the configuration whose store is meant; None for the stores that this process uses already.

    Raises LookupError if none is, which says how: with `option`, or where else it is looked for.
    """
    if config is not None:
        return store_config(config)
    if has_stores():
        return None
    file = os.environ.get("NOTMODIFIED_CONFIG")
    try:
        setting = _django_setting()
    except LookupError:
        if not file:
            raise
        setting = None
    if setting is not None:
        return store_config(setting)
    if file:
        return store_config(file)
    msg = (
        f"there is no validator cache in this process: say which one with {option}, in Django's setting "
        "NOTMODIFIED (of the settings that DJANGO_SETTINGS_MODULE names), or in the variable "
        "NOTMODIFIED_CONFIG, which names a file"
    )
    raise LookupError(msg)


def _django_setting() -> Any:
    """Return what Django's setting NOTMODIFIED is, None if there is none."""
    module = os.environ.get("DJANGO_SETTINGS_MODULE")
    conf = sys.modules.get("django.conf")
    if not module and (conf is None or not conf.settings.configured):
        return None
    try:
        settings = importlib.import_module("django.conf").settings
        # The settings are read for this question, and what they raise is nobody's missing attribute.
        return settings.NOTMODIFIED if settings.is_overridden("NOTMODIFIED") else None
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        msg = f"Django's settings {module}, which DJANGO_SETTINGS_MODULE names, can't be read: {reason}"
        raise LookupError(msg) from error


def _transactions() -> list[tuple[Any, str]]:
    """Return the Django transactions that are open in this thread."""
    db, conf = sys.modules.get("django.db"), sys.modules.get("django.conf")
    # Imported by something, and no site of Django's: nothing is open then.
    if db is None or conf is None or not conf.settings.configured:
        return []
    opened = db.connections.all(initialized_only=True)
    return [(db.transaction, connection.alias) for connection in opened if connection.in_atomic_block]


def _tell(names: Invalidated, files: Sequence[tuple[Path, bool]]) -> None:
    """Tell the hooks, and what is to be said of the stores that were looked for, or not found."""
    errors = [absent(file) for file, is_there in files if not is_there]
    # Others' stores are out of reach, and may be what was meant.
    for error in errors:
        if not isinstance(error, NoStoreError):
            raise error
    for doubtful in [doubt(file) for file, is_there in files if is_there]:
        if doubtful:
            _log.warning("what was to be forgotten may not be: %s", doubtful)
    for hook in _hooks:
        hook(names)
    for error in errors:
        raise error


def tell_of_request(paths: Sequence[str], groups: Sequence[str]) -> None:
    """Tell the hooks what the answer to a write has invalidated; what they raise is logged."""
    names = Invalidated(paths=tuple(paths), groups=tuple(groups))
    for hook in _hooks:
        try:
            hook(names)
        except Exception:  # noqa: BLE001, PERF203 - it is the user's code, and each hook is told
            _log.exception("a hook of on_invalidate failed; the response goes out all the same")
