"""Wrap an application that is named, not imported: `gunicorn "notmodified:wrap('mysite.wsgi:application')"`.

The name means what it means to Gunicorn: `module`, `module:name` or `module:factory('literal', key=1)`,
where the name defaults to `application`.
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any, cast

from notmodified._core import NotModified

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping
    from types import ModuleType

    from _typeshed.wsgi import WSGIApplication

    from notmodified._core import Config

_FORMS = "'module', 'module:name' or 'module:factory()'"


def wrap(
    application: str, config: str | os.PathLike[str] | Config | Mapping[str, object] | None = None
) -> NotModified:
    """Import the application that `application` names and wrap it in `NotModified`.

    `config` is as for `NotModified`. Without one, what the application is configured with itself counts
    (Flask's `app.config["NOTMODIFIED"]`, Django's setting); one that is given replaces it.

    Raises `ImportError` where the module or the name in it does not exist, `ValueError` where the text is
    no such name, `TypeError` where what it names is no WSGI application. What the module itself raises
    while it is imported, or the factory while it runs, comes through as it is.
    """
    return NotModified(_load(application), config)


def _load(text: str) -> WSGIApplication:
    module_name, _, expression = text.partition(":")
    name, args, kwargs = _parse(expression or "application", text)
    module = _import(module_name, name)
    try:
        found: Any = getattr(module, name)
    except AttributeError:
        msg = f"the module {module_name!r} has no {name!r}{_suggestion(module)}"
        raise ImportError(msg, name=module_name) from None
    if not callable(found):
        msg = f"{text!r} is {_a(found)}, not a WSGI application"
        raise TypeError(msg)
    if args is None:
        return cast("WSGIApplication", found)
    made: Any = found(*args, **kwargs)
    if not callable(made):
        msg = f"{text!r} returned {_a(made)}, not a WSGI application"
        raise TypeError(msg)
    return cast("WSGIApplication", made)


def _parse(expression: str, text: str) -> tuple[str, list[Any] | None, dict[str, Any]]:
    """Take `name` or `factory(literals)` apart; no arguments at all (None) means that nothing is called."""
    import ast  # noqa: PLC0415  most who import the package wrap nothing by its name

    try:
        node = ast.parse(expression.strip(), mode="eval").body
    except SyntaxError:
        node = None
    match node:
        case ast.Name(id=name):
            return name, None, {}
        case ast.Call(func=ast.Name(id=name)):
            try:
                args = [ast.literal_eval(arg) for arg in node.args]
                kwargs = {kw.arg: ast.literal_eval(kw.value) for kw in node.keywords if kw.arg is not None}
            except ValueError:
                msg = f"the arguments in {text!r} are not all literals (strings, numbers, lists, True, None)"
                raise ValueError(msg) from None
            if len(kwargs) == len(node.keywords):
                return name, args, kwargs
    msg = f"{text!r} does not name an application; write {_FORMS}"
    raise ValueError(msg)


def _import(module_name: str, name: str) -> ModuleType:
    if not module_name.strip():
        msg = f"no module before ':{name}'; write {_FORMS}"
        raise ValueError(msg)
    if "/" in module_name or module_name.endswith(".py"):
        dotted = module_name.removesuffix(".py").strip("./").replace("/", ".")
        msg = f"{module_name!r} is a file; write its module's name: '{dotted}:{name}'"
        raise ModuleNotFoundError(msg, name=module_name)
    try:
        return importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        # A module that the application itself misses is told by the application's own traceback.
        if error.name is None or not f"{module_name}.".startswith(f"{error.name}."):
            raise
        msg = f"there is no module {error.name!r} in any folder of sys.path ({', '.join(sys.path)})"
        raise ModuleNotFoundError(msg, name=error.name) from None


def _suggestion(module: ModuleType) -> str:
    candidates = [
        n for n in ("application", "app", "create_app", "make_app") if callable(getattr(module, n, None))
    ]
    if not candidates:
        return ""
    shown = [f"{n}()" if n.startswith(("create", "make")) else n for n in candidates]
    return "; it has " + " and ".join(f"'{module.__name__}:{n}'" for n in shown)


def _a(thing: object) -> str:
    return "None" if thing is None else f"of type {type(thing).__name__!r}"
