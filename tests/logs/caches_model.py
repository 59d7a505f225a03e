"""Caches in front of a server, written as plainly as can be: what the simulation must come to.

Every client is a browser at an address of its own. A policy is (max_age, s_maxage, grace, flags).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from logs.writing import Line

UNKNOWN = "unknown"


@dataclass(frozen=True)
class Rule:
    """What a policy says."""

    max_age: int | None = None
    s_maxage: int | None = None
    grace: int = 0
    no_cache: bool = False
    no_store: bool = False
    private: bool = False
    status: int = 200

    def __str__(self) -> str:
        """Return it as Cache-Control."""
        parts = [
            name.replace("_", "-") for name in ("no_cache", "no_store", "private") if getattr(self, name)
        ]
        if self.max_age is not None:
            parts.append(f"max-age={self.max_age}")
        if self.s_maxage is not None:
            parts.append(f"s-maxage={self.s_maxage}")
        if self.grace:
            parts.append(f"stale-while-revalidate={self.grace}")
        return ", ".join(parts)

    def life(self) -> int:
        return 0 if self.no_cache else self.max_age or 0

    def shared_life(self) -> int:
        return 0 if self.no_cache else self.s_maxage if self.s_maxage is not None else self.max_age or 0

    def late(self) -> int:
        return 0 if self.no_cache else self.grace


@dataclass(frozen=True)
class Stored:
    """A stored response."""

    version: object
    born: float
    rule: Rule
    size: int
    invalid: bool = False


@dataclass
class Result:
    """What the server had to do, and what clients got."""

    requests: int = 0
    bytes: int = 0
    us: int = 0
    not_modified: int = 0
    from_clients: int = 0
    from_shared: int = 0
    stale: int = 0
    doubtful: int = 0
    from_whole: int = 0
    unknown: int = 0


@dataclass
class Caches:
    """All of them."""

    rules: dict[str, list[Rule]]
    capacity: int
    shared: dict[str, Stored] | None
    result: Result = field(default_factory=Result)
    # For each client its URLs, the least recently used first.
    private: dict[str, dict[str, Stored]] = field(default_factory=dict)
    logged: dict[tuple[str, str], tuple[object, int, bool]] = field(default_factory=dict)
    largest: dict[str, int] = field(default_factory=dict)

    def run(self, lines: list[Line]) -> Result:
        for line in lines:
            if line.method == "GET" and line.status == 200 and line.size != "-":
                self.largest[line.target] = max(self.largest.get(line.target, 0), line.size)
        for line in sorted(lines, key=lambda line: line.at):
            self.use(line)
        return self.result

    def rule(self, line: Line) -> Rule | None:
        status = 200 if line.status == 304 else line.status
        return next((rule for rule in self.rules.get(line.target, []) if rule.status == status), None)

    def as_logged(self, line: Line, *, not_modified: bool, octets: int) -> None:
        self.result.requests += 1
        self.result.us += line.us
        self.result.bytes += octets
        self.result.not_modified += not_modified

    def use(self, line: Line) -> None:
        mine = self.private.setdefault(line.client, {})
        if line.method != "GET" or line.status in {206, 412, 416, 500}:
            self.other(line, mine)
            return
        had = self.logged.get((line.client, line.target), (UNKNOWN,))[0]
        version, size, ever = self.truth(line)
        stored = mine.get(line.target)
        if stored is not None:
            mine[line.target] = mine.pop(line.target)
            life = 0 if stored.invalid else stored.rule.life()
            late = 0 if stored.invalid else stored.rule.late()
            if line.at - stored.born < life + late:
                self.result.from_clients += 1
                self.result.stale += not same(stored.version, version)
                self.result.unknown += line.status == 200 and UNKNOWN in {had, version}
                if line.at - stored.born < life:
                    return
        got = self.ask(line, stored, version, size, ever=ever)
        mine.pop(line.target, None)
        if got is not None and not got.rule.no_store and got.size <= self.capacity:
            mine[line.target] = got
            self.logged[line.client, line.target] = version, size, True
            while sum(one.size for one in mine.values()) > self.capacity:
                del mine[next(iter(mine))]

    def other(self, line: Line, mine: dict[str, Stored]) -> None:
        if line.method == "POST" and 200 <= line.status < 400:
            if line.target in mine:
                mine[line.target] = replace(mine[line.target], invalid=True)
            if self.shared is not None:
                self.shared.pop(line.target, None)
        self.as_logged(line, not_modified=False, octets=0 if line.size == "-" else line.size)

    def truth(self, line: Line) -> tuple[object, int, bool]:
        """Return what is current by this line, how large it is, and whether the client ever stored it."""
        key = line.client, line.target
        version, size, ever = self.logged.get(key, (UNKNOWN, self.largest.get(line.target, 0), False))
        octets = 0 if line.size == "-" else line.size
        if line.status not in {200, 304}:
            version = line.status
        elif line.etag != "-":
            version = line.etag
        elif line.status == 200:
            version = octets or UNKNOWN
        elif line.if_none_match != "-":
            version = line.if_none_match
        if line.status == 200 and line.size != "-":
            size = octets
        self.logged[key] = version, size, ever
        return self.logged[key]

    def ask(
        self, line: Line, held: Stored | None, version: object, size: int, *, ever: bool
    ) -> Stored | None:
        if self.shared is not None and line.target in self.shared:
            there = self.shared[line.target]
            if line.at - there.born < there.rule.shared_life():
                self.result.from_shared += 1
                self.result.stale += not same(there.version, version)
                return there
            held = there
        rule = self.rule(line)
        if rule is None:
            octets = 0 if line.size == "-" else line.size
            self.as_logged(line, not_modified=line.status == 304, octets=octets)
            if self.shared is not None:
                self.shared.pop(line.target, None)
            return None
        if line.status not in {200, 304}:
            confirmed, octets = False, 0 if line.size == "-" else line.size
        else:
            confirmed = same(held.version, version) if held else line.status == 304 and not ever
            octets = 0 if confirmed else size
        self.as_logged(line, not_modified=confirmed, octets=octets)
        self.result.from_whole += confirmed and line.status == 200
        new = Stored(version, line.at, rule, size)
        if self.shared is not None:
            if rule.private or rule.no_store:
                self.shared.pop(line.target, None)
            elif not confirmed or line.target in self.shared:
                self.shared[line.target] = new
        return new


def same(one: object, other: object) -> bool:
    return UNKNOWN in {one, other} or one == other
