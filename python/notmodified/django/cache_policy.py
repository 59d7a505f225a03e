"""`@cache_policy`: what one view's responses get, before what is configured."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar, cast

from asgiref.sync import iscoroutinefunction

from notmodified.cache_policy import PolicyKeys, ViewPolicy

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Unpack

    from notmodified._core import _Preset

_View = TypeVar("_View", bound="Callable[..., Any]")


def cache_policy(preset: _Preset | None = None, **keys: Unpack[PolicyKeys]) -> Callable[[_View], _View]:
    """Give the responses of a view a policy of their own.

    `@cache_policy("private")` or `@cache_policy(cache_control={"max_age": "1h"}, cache_groups=["news"])`: the
    keys are those of a policy in `notmodified.toml`, without `path`, `method`, `take_over`, `preconditions`
    and `require`. For reads, and for successes unless `status` says otherwise.

    It comes before every policy that is configured, whatever their paths, and nothing of theirs is added to
    it; a response that it is not for gets theirs. The view's own Cache-Control still stands unless `override`
    is set. Of two decorators the one nearest to the view wins. The middleware around the view does it:
    without one nothing happens.

    For view functions and methods, sync and async, and for `method_decorator`. Raises ConfigError where the
    view is decorated if something is wrong.
    """
    policy = ViewPolicy(preset, keys)

    def decorate(view: _View) -> _View:
        @wraps(view)
        def call(*args: Any, **kwargs: Any) -> Any:
            policy.mark(_environ(args))
            return view(*args, **kwargs)

        @wraps(view)
        async def call_async(*args: Any, **kwargs: Any) -> Any:
            policy.mark(_environ(args))
            return await view(*args, **kwargs)

        return cast("_View", call_async if iscoroutinefunction(view) else call)

    return decorate


def _environ(args: tuple[Any, ...]) -> dict[str, Any]:
    """Find the request: the first argument, or the second where a method is decorated without more ado."""
    request = args[0] if hasattr(args[0], "META") else args[1]
    environ: dict[str, Any] = request.META
    return environ
