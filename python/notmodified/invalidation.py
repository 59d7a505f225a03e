"""Invalidate what the validator cache has stored, from wherever something changes.

    notmodified.invalidate("/articles/42")              # a path: every host, query and variant of it
    notmodified.invalidate("https://a.example/x?y=1")   # a URL: exactly that, in every variant
    notmodified.invalidate(groups=["articles"])         # RFC 9875 groups
    notmodified.invalidate(everything=True)

When it returns, no worker on the host answers from what was stored before, nor from what a request that has
begun will still store.
"""

from __future__ import annotations

import logging
import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from notmodified._core import Config, has_stores, invalidate_stores

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

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
    the file that the variable NOTMODIFIED_CONFIG names.

    Inside a Django transaction it happens when that commits, and not at all if it is rolled back;
    `on_commit=False` is at once. Raises ValueError for what is neither path nor URL, LookupError if no store
    is configured, StoreError if it can't be reached: what was to be invalidated may then still be answered,
    until it is stale.
    """
    if isinstance(groups, str):
        msg = f"groups is a list of names, not one: groups=[{groups!r}]"
        raise TypeError(msg)
    names = _names(target, tuple(groups), everything)
    found = _config(config)

    def now() -> None:
        invalidate_stores(target, groups=list(names.groups), everything=everything, config=found)
        _tell(names)

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


def _config(config: str | os.PathLike[str] | Config | Mapping[str, object] | None) -> Config | None:
    """Return the configuration whose store is meant; None for the stores that this process uses already."""
    if config is not None:
        return _read(config)
    if has_stores():
        return None
    settings = sys.modules.get("django.conf")
    if settings is not None and (settings.settings.configured or os.environ.get("DJANGO_SETTINGS_MODULE")):
        setting = getattr(settings.settings, "NOTMODIFIED", None)
        if setting is not None:
            return _read(setting)
    file = os.environ.get("NOTMODIFIED_CONFIG")
    if file:
        return _read(file)
    msg = (
        "there is no validator cache in this process: say which one with config=, in Django's setting "
        "NOTMODIFIED, or in the variable NOTMODIFIED_CONFIG, which names a file"
    )
    raise LookupError(msg)


def _read(config: str | os.PathLike[str] | Config | Mapping[str, object]) -> Config:
    if isinstance(config, Config):
        return config
    if isinstance(config, (str, os.PathLike)):
        return Config.load(config)
    return Config.from_mapping(config)


def _transactions() -> list[tuple[Any, str]]:
    """Return the Django transactions that are open in this thread."""
    db, conf = sys.modules.get("django.db"), sys.modules.get("django.conf")
    # Imported by something, and no site of Django's: nothing is open then.
    if db is None or conf is None or not conf.settings.configured:
        return []
    opened = db.connections.all(initialized_only=True)
    return [(db.transaction, connection.alias) for connection in opened if connection.in_atomic_block]


def _tell(names: Invalidated) -> None:
    for hook in _hooks:
        hook(names)


def tell_of_request(paths: Sequence[str], groups: Sequence[str]) -> None:
    """Tell the hooks what the answer to a write has invalidated; what they raise is logged."""
    names = Invalidated(paths=tuple(paths), groups=tuple(groups))
    for hook in _hooks:
        try:
            hook(names)
        except Exception:  # noqa: BLE001, PERF203 - it is the user's code, and each hook is told
            _log.exception("a hook of on_invalidate failed; the response goes out all the same")
