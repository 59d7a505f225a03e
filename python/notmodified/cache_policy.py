"""What the `cache_policy` decorators of the frameworks have in common: a policy of one view's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypedDict

from notmodified._core import Config, set_policies

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from notmodified._core import CacheControl, _Preset


class PolicyKeys(TypedDict, total=False):
    """The keys of a policy (docs/configuration.md) that a view can have, named as keyword arguments.

    Times are seconds, or such as "1h" and "30d".
    """

    status: int | str | Sequence[int | str]
    media_type: str | Sequence[str]
    versioned: bool
    cache_control: CacheControl | Mapping[str, object] | str
    notmodified_cache_control: CacheControl | Mapping[str, object] | str
    targeted: Mapping[str, CacheControl | Mapping[str, object] | str]
    cache_groups: str | Sequence[str]
    fields: Mapping[str, str]
    expires: int | str
    vary: str | Sequence[str]
    etag: Literal["auto", "content", "weak", "off"] | Mapping[str, object]
    override: bool


class ViewPolicy:
    """A policy that comes before those that are configured, for the responses of one view.

    Raises ConfigError if it says what no policy can, where it is made.
    """

    def __init__(self, preset: _Preset | None, keys: Mapping[str, object]) -> None:
        """Check what was said."""
        unknown = sorted(set(keys) - set(PolicyKeys.__annotations__))
        if unknown:
            msg = f"cache_policy() got an unexpected keyword argument {unknown[0]!r}"
            raise TypeError(msg)
        self._policies = Config(policy=[{"preset": preset, **keys}])

    def mark(self, environ: dict[str, Any]) -> None:
        """Say to the middleware around the view what its response gets."""
        set_policies(environ, self._policies)
