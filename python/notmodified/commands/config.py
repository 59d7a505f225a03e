"""`notmodified config check`: whether a configuration is right, and which policy a URL gets."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes, urlsplit

from notmodified import Assets, Config, ConfigError
from notmodified.report.words import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from notmodified._core import _Guard, _Policy

_LOWEST_STATUS, _HIGHEST_STATUS = 100, 599
_ETAG = {
    "auto": "the app's own well-formed one, else one made from the content",
    "content": "one made from the content, whatever the app sends",
    "weak": "the app's own well-formed one, else a weak one made from the content",
    "off": "the app's own, none is made",
}


# What a URL of a static file names, by the word that the files have for it.
_ASKED = {
    "current": "It is the current version of a static file",
    "kept": "It is a version of a static file of an earlier build",
    "old": "It is another version of a static file than the current one",
    "plain": "It is a static file by its own name",
    "missing": "It is a version of a static file that there is not",
}


@dataclass(frozen=True)
class _Exchange:
    """A request and its response, as far as policies care."""

    method: str
    path: str
    status: int
    media_type: str | None
    query: str = ""

    @property
    def path_info(self) -> str:
        """What a server makes of the path for PATH_INFO (PEP 3333)."""
        return unquote_to_bytes(self.path).decode("latin-1")

    def __str__(self) -> str:
        media_type = self.media_type or "no media type given"
        return f"{self.method} {self.path}, answered {self.status}, {media_type}"


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `config` to the command line."""
    parser = commands.add_parser("config", help="check a configuration")
    subcommands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    check = subcommands.add_parser(
        "check",
        help="validate a configuration, show which policy a URL gets and why",
        description="Validate a notmodified.toml, or the table [tool.notmodified] of a pyproject.toml, and "
        "show what it says. With --url: which policy such a request gets, and why not another one. "
        "Exit status: 0 if the file is right, 2 if it is not.",
    )
    check.add_argument("file", metavar="FILE", help="the file to check")
    check.add_argument(
        "--url", type=_target, help="a URL or a path; a query matters to static files, policies ignore it"
    )
    check.add_argument("--method", default="GET", help="with --url: the request's method (default: GET)")
    check.add_argument(
        "--status",
        type=_status,
        metavar="N",
        help="with --url: the response's status (default: 200)",
    )
    check.add_argument("--media-type", metavar="T", help="with --url: the response's Content-Type")
    check.add_argument("--json", action="store_true", help="print one JSON document instead")
    check.set_defaults(run=_check)


def _target(url: str) -> tuple[str, str]:
    """Return path and query."""
    try:
        parts = urlsplit(url)
        path = parts.path or "/"
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    if not path.startswith("/"):
        msg = f"give a URL with its scheme, or a path that starts with /, not {url!r}"
        raise argparse.ArgumentTypeError(msg)
    return path, parts.query


def _status(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not _LOWEST_STATUS <= int(text) <= _HIGHEST_STATUS:
        msg = f"a status is a number from {_LOWEST_STATUS} to {_HIGHEST_STATUS}, not {text!r}"
        raise argparse.ArgumentTypeError(msg)
    return int(text)


def _check(arguments: argparse.Namespace) -> int:
    try:
        config = Config.load(arguments.file)
    except (ConfigError, OSError) as error:
        if arguments.json:
            print(json.dumps({"file": arguments.file, "valid": False, "error": str(error)}, indent=2))
        else:
            print(f"notmodified config check: {error}", file=sys.stderr)
        return 2
    exchange = _exchange(arguments)
    try:
        asked = None if exchange is None else _asked(config, exchange)
    except ConfigError as error:  # Whether the files are there is no question of the configuration.
        print(f"notmodified config check: what static file it is can't be told: {error}", file=sys.stderr)
        asked = None
    any_status = arguments.status is None
    if arguments.json:
        facts = _facts(arguments.file, config, exchange, asked, any_status=any_status)
        print(json.dumps(facts, indent=2))
    elif exchange is None:
        _show_config(arguments.file, config)
    else:
        _show_exchange(config, exchange, asked, any_status=any_status)
    return 0


def _exchange(arguments: argparse.Namespace) -> _Exchange | None:
    if arguments.url is None:
        return None
    path, query = arguments.url
    status = arguments.status or 200
    return _Exchange(arguments.method.upper(), path, status, arguments.media_type, query)


def _explain(config: Config, exchange: _Exchange) -> list[str]:
    return list(
        config.explain(
            exchange.path_info,
            method=exchange.method,
            status=exchange.status,
            media_type=exchange.media_type,
        )
    )


def _otherwise(
    config: Config, exchange: _Exchange, *, any_status: bool
) -> Iterator[tuple[int, list[_Exchange]]]:
    """Find the policies that the request gets with another response, where what is known of that fits none.

    Each with the responses that it takes: of the media types that it names, if none was given, and of another
    status where `any_status` is allowed.
    """
    verdicts = _explain(config, exchange)
    if "applies" in verdicts:
        return
    for number, (policy, verdict) in enumerate(zip(config.policies, verdicts, strict=True)):
        if verdict not in ("media-type", "status"):
            continue
        statuses = [exchange.status]
        if any_status and verdict == "status":
            statuses = [int(status.replace("xx", "00")) for status in policy["status"]]
        named: list[str | None] = [*policy["media_type"]]
        media_types = [exchange.media_type] if exchange.media_type else named or [None]
        responses = [
            replace(exchange, status=status, media_type=media_type)
            for status in statuses
            for media_type in media_types
        ]
        fitting = [response for response in responses if _explain(config, response)[number] == "applies"]
        if fitting:
            yield number, fitting


def _asked(config: Config, exchange: _Exchange) -> tuple[str, str] | None:
    """Return what static file the URL names, if it does, and its Cache-Control."""
    if config.assets is None or exchange.method not in ("GET", "HEAD"):
        return None
    return Assets(config).asked(exchange.path_info, exchange.query)


def _takes_over(config: Config, exchange: _Exchange) -> bool:
    return config.takes_over(exchange.path_info, method=exchange.method)


def _guard(config: Config, exchange: _Exchange) -> _Guard | None:
    return config.guard(exchange.path_info, method=exchange.method)


def _facts(
    file: str,
    config: Config,
    exchange: _Exchange | None,
    asked: tuple[str, str] | None,
    *,
    any_status: bool,
) -> dict[str, object]:
    """Everything that is shown, for programs."""
    facts: dict[str, object] = {
        "file": file,
        "valid": True,
        "settings": _settings(config) | _cache_settings(config),
        "policies": config.policies,
    }
    if exchange is not None:
        verdicts = _explain(config, exchange)
        facts["exchange"] = {
            **asdict(exchange),
            "policy": verdicts.index("applies") if "applies" in verdicts else None,
            "verdicts": verdicts,
            "otherwise": [
                {"policy": number, "status": response.status, "media_type": response.media_type}
                for number, responses in _otherwise(config, exchange, any_status=any_status)
                for response in responses
            ],
            "takes_over": _takes_over(config, exchange),
            "guard": _guard(config, exchange),
            "static_file": asked and {"asked": asked[0], "cache_control": asked[1]},
        }
    return facts


def _settings(config: Config) -> dict[str, object]:
    return {
        "head_as_get": config.head_as_get,
        "tag_suffixes": config.tag_suffixes,
        "max_body": config.max_body,
        "max_file": config.max_file,
        "has_tag_key": config.has_tag_key,
        "ignore": config.ignore,
        "accept_weakened": config.accept_weakened,
        "validators": config.validators,
        "store": config.store,
        "assets": config.assets,
    }


def _cache_settings(config: Config) -> dict[str, object]:
    """Return what is to be said of the validator cache where there is one."""
    return {
        "store_path": config.store_path,
        "store_size": config.store_size,
        "store_timeout": config.store_timeout,
        "release": config.release,
        "vary_cookies": config.vary_cookies,
        "settle": config.settle,
        "obey_request_directives": config.obey_request_directives,
        "cache_status": config.cache_status,
    }


def _shown(value: object) -> str:
    """Write a value on one line."""
    if value is None:
        return "none"
    if isinstance(value, list):
        return ", ".join(value) or "none"
    if isinstance(value, dict):
        return ", ".join(f"{name}: {_shown(inner)}" for name, inner in value.items() if inner) or "none"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _show_config(file: str, config: Config) -> None:
    policies = config.policies
    print(f"{file}: right")
    settings = _settings(config) | (_cache_settings(config) if config.store else {})
    width = max(map(len, settings)) + 1
    for name, value in settings.items():
        print(f"  {name:<{width}} {_shown(value)}")
    print()
    if not policies:
        print("No policies: the app's own Cache-Control, Expires and Vary go out as they are.")
        return
    print(f"{counted(len(policies), 'policy', 'policies')}, the first that matches wins")
    for number, policy in enumerate(policies):
        print(f"  policy[{number}]  {_matchers(policy)}")
        for line in [*_actions(policy), *_of_writes(_guard_of(policy))]:
            print(f"    {line}")


def _show_exchange(
    config: Config, exchange: _Exchange, asked: tuple[str, str] | None, *, any_status: bool
) -> None:
    policies, verdicts = config.policies, _explain(config, exchange)
    guard = _guard(config, exchange)
    print(exchange)
    for number, (policy, verdict) in enumerate(zip(policies, verdicts, strict=True)):
        guards = guard is not None and guard["policy"] == number
        print(f"  policy[{number}]  {_because(policy, verdict, exchange, guards=guards)}")
    print()
    if guard is not None:
        whose = "the validators say" if guard["policy"] is None else f"policy[{guard['policy']}] says"
        print(f"What comes of the write, as {whose}, before the app acts:")
        for line in _of_writes(guard):
            print(f"  {line}")
    took_over = False
    if "applies" in verdicts:
        number = verdicts.index("applies")
        took_over = policies[number]["take_over"]
        print(f"It gets policy[{number}]:" if guard is None else f"The response gets policy[{number}]:")
        of_writes = _of_writes(_guard_of(policies[number])) if guard is None else []
        for line in [*_actions(policies[number]), *of_writes]:
            print(f"  {line}")
    else:
        print(
            f"No policy{'' if guard is None else ' for the response'}: the app's own Cache-Control, Expires "
            "and Vary go out as they are."
        )
        for number, responses in _otherwise(config, exchange, any_status=any_status):
            options = " or ".join(_as_options(exchange, response) for response in responses)
            print(f"With {options} it gets policy[{number}]:")
            for line in _actions(policies[number]):
                print(f"  {line}")
    if not took_over and _takes_over(config, exchange):
        print("A later policy takes over judging all the same: that is settled before the app runs.")
    if asked is not None:
        word, cache_control = asked
        unless = (
            "unless the app or a policy says something"
            if word == "plain"
            else "in the place of what the app and policies say"
        )
        print(f"{_ASKED[word]}:\n  Cache-Control: {cache_control}  ({unless})")


def _matchers(policy: _Policy) -> str:
    parts = [
        ", ".join(policy["method"]),
        " or ".join(policy["path"]),
        "answered " + ", ".join(policy["status"]),
    ]
    return " ".join(parts) + (f" as {', '.join(policy['media_type'])}" if policy["media_type"] else "")


def _as_options(given: _Exchange, response: _Exchange) -> str:
    """Write what a response has that was not given as one would give it."""
    options = []
    if response.status != given.status:
        options.append(f"--status {response.status}")
    if response.media_type != given.media_type:
        options.append(f"--media-type {shlex.quote(str(response.media_type))}")
    return " ".join(options)


def _because(policy: _Policy, verdict: str, exchange: _Exchange, *, guards: bool) -> str:
    """Why a policy is, or is not, the one."""
    if verdict == "applies":
        return "applies: it is the first that matches"
    if verdict == "later":
        return "would match too, but comes later"
    if verdict == "path":
        return f"is for another path: {' or '.join(policy['path'])}"
    if verdict == "method":
        matches = "guards it, but what it says of responses" if guards else "matches the path, but"
        return f"{matches} is for {', '.join(policy['method'])}"
    if verdict == "status":
        return f"matches the path, but is for status {', '.join(policy['status'])}"
    wanted = ", ".join(policy["media_type"])
    given = "" if exchange.media_type else "; say with --media-type what the response is"
    return f"matches the path, but is for {wanted}{given}"


def _guard_of(policy: _Policy) -> _Guard | None:
    if policy["preconditions"] is None and not policy["require"]:
        return None
    return {"judged_by": policy["preconditions"], "require": policy["require"], "policy": None}


def _of_writes(guard: _Guard | None) -> list[str]:
    """Say what comes of writes before the app acts."""
    if guard is None:
        return []
    lines = []
    if guard["require"]:
        lines.append("A write without a precondition: 428 Precondition Required")
    if guard["judged_by"] is None:
        lines.append("A write with a precondition: the app's to judge")
    else:
        by = "a GET to the app" if guard["judged_by"] == "get" else guard["judged_by"]
        lines.append(
            f"A write with a precondition: judged by what {by} says; 412 Precondition Failed if it is false"
        )
    return lines


def _all_of(names: list[str]) -> str:
    return ", ".join(names) or "nothing"


def _actions(policy: _Policy) -> list[str]:
    lines = []
    unless = (
        "in place of the app's" if policy["override"] else "unless the app sends Cache-Control or Expires"
    )
    unless_same = "in place of the app's" if policy["override"] else "unless the app sends the same field"
    if policy["preset"] is not None:
        lines.append(f"Preset: {policy['preset']}, with what is said beside it:")
    if policy["cache_control"] is not None:
        lines.append(f"Cache-Control: {policy['cache_control']}  ({unless})")
    if policy["with_cookies"] is not None:
        lines.append(f"  {policy['with_cookies']}  (where the response sets a cookie)")
    for name, value in policy["fields"].items():
        beside = "beside the app's" if name == "Cache-Groups" else unless_same
        lines.append(f"{name}: {value}  ({beside})")
    if policy["notmodified_cache_control"] is not None:
        whose = "the app's" if policy["override"] else "Cache-Control, unless the app sends the same field"
        lines.append(
            f"Notmodified-Cache-Control: {policy['notmodified_cache_control']}  "
            f"(for the validator cache alone, in place of {whose})"
        )
    if policy["expires"] is not None:
        lines.append(f"Expires: Date and {policy['expires']} seconds  ({unless})")
    if policy["vary"]:
        lines.append(f"Vary: {', '.join(policy['vary'])}  (beside what the app has there)")
    lines.append(f"ETag: {_ETAG[policy['etag']]}")
    if policy["ignore"] is not None:
        lines.append(f"Left out of it: {_all_of(policy['ignore'])}")
    if policy["take_over"]:
        lines.append("If-* and Range are hidden from the app; notmodified judges in its place")
    return lines
