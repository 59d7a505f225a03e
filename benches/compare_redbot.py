"""`make compare-redbot`: REDbot and `notmodified check` on the gallery of defective stacks.

Both ask the same running stacks. What each finds goes into the tables between the marks in docs/check.md and
README.md.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from apps import content
from apps.gallery import APPLICATIONS
from audit.test_gallery import BEHIND_PROXIES, OF_A_VERSION, PUBLIC
from kit.answer import new_id
from kit.proxies import ORIGIN, PROGRAM_OF, Origin, start
from kit.servers import start as start_server
from notmodified.check import judge
from notmodified.check.live import Options, record_urls

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from kit.proxies import RunningProxy
    from notmodified.check.document import Finding

ROOT = Path(__file__).parents[1]
NOTES = Path(__file__).parent / "redbot_notes.py"
# That the tag, or the date, gets something else than a 304, whatever else is said of it.
TAG_UNJUDGED = ("INM_FULL", "INM_UNKNOWN", "INM_STATUS")
DATE_UNJUDGED = ("IMS_FULL", "IMS_UNKNOWN", "IMS_STATUS")
# REDbot's notes that say what a finding says, in whatever words and at whatever level but praise. For a
# finding that is not here REDbot has no note.
SAME: Mapping[str, frozenset[str]] = {
    finding: frozenset(notes)
    for finding, *notes in (
        ("no-validator", "FRESHNESS_NO_CACHE_NO_VALIDATOR"),
        ("ill-formed-tag", "BAD_SYNTAX", "BAD_SYNTAX_DETAILED", "SINGLE_HEADER_REPEAT", *TAG_UNJUDGED),
        ("unstable-tag", *TAG_UNJUDGED, "RANGE_CHANGED"),
        ("validator-ignored", *TAG_UNJUDGED),
        ("validator-lost", *TAG_UNJUDGED, *DATE_UNJUDGED),
        ("tag-suffixed", *TAG_UNJUDGED),
        ("tag-stripped", "FRESHNESS_NO_CACHE_NO_VALIDATOR"),
        ("tag-lies", "INM_DUP_ETAG_STRONG"),
        ("volatile-bytes", "INM_DUP_ETAG_WEAK"),
        ("one-tag-for-codings", "VARY_ETAG_DOESNT_CHANGE"),
        ("date-ignored", *DATE_UNJUDGED),
        ("date-refused", "IMS_STATUS", "STATUS_BAD_REQUEST"),
        ("precondition-breaks", "INM_STATUS", "IMS_STATUS", "ETAG_SUBREQ_PROBLEM", "LM_SUBREQ_PROBLEM"),
        ("error-confirmed", "INM_STATUS", "IMS_STATUS"),
        ("vary-missing", "CONNEG_NO_VARY", "VARY_INCONSISTENT"),
        ("vary-lost", "CONNEG_NO_VARY", "VARY_INCONSISTENT"),
        ("vary-useless", "VARY_ASTERISK", "VARY_USER_AGENT", "VARY_COMPLEX"),
        ("freshness-contradicts", "CC_CONFLICTING", "STORE_PRIVATE_PUBLIC_CONFLICT", "CC_WRONG_MESSAGE"),
        ("nothing-said", "FRESHNESS_HEURISTIC"),
        ("fields-missing-in-304", "MISSING_HDRS_304", "NO_DATE_304"),
        ("content-fields-in-304", "HEADER_SHOULD_NOT_BE_IN_304"),
        ("content-in-304", "CONTENT_NOT_ALLOWED", "BODY_NOT_ALLOWED", "EXTRA_DATA"),
        ("length-in-304", "CL_INCORRECT", "HEADER_SHOULD_NOT_BE_IN_304"),
        ("not-http", "CL_INCORRECT", "CL_AND_TE_PRESENT", "BAD_CHUNK", "EXTRA_DATA", "BODY_NOT_ALLOWED"),
        ("truncated-body", "CL_INCORRECT"),
        ("range-wrong", "RANGE_INCORRECT", "RANGE_INCORRECT_LENGTH", "RANGE_CL_FULL", "RANGE_STATUS"),
    )
}
BAD = ("bad", "warning")
# A hop that makes a tag weak when it compresses does what it should, and some nginx refuse repeated lines.
NO_DEFECT = {"tag-weakened", *OF_A_VERSION}


@dataclass
class Stack:
    """A running stack: where it is asked, and what each says of it."""

    name: str
    url: str
    origin: str | None = None
    findings: list[Finding] = field(default_factory=list)
    notes: list[dict[str, str]] = field(default_factory=list)

    @property
    def defects(self) -> list[Finding]:
        """What is told of the hop that is new here: what is inside of it has a row of its own."""
        own = [one for one in self.findings if self.origin is None or one["hop"] == PUBLIC]
        return [one for one in own if one["id"] not in NO_DEFECT]

    def told(self, finding: Finding) -> set[str]:
        """Return REDbot's notes that say what a finding says."""
        same = SAME.get(finding["id"], frozenset())
        if finding["noted"]:
            same = frozenset({finding["noted"]["id"]})
        return {note["id"] for note in self.notes if note["level"] != "good"} & same

    def only_redbot(self) -> dict[str, str]:
        """Return REDbot's notes that nothing here says: ids and what they say."""
        matched = {name for finding in self.findings for name in self.told(finding)}
        counted = frozenset().union(*SAME.values())
        # What counts as a hit elsewhere counts as a false alarm where nothing is.
        return {
            note["id"]: note["summary"]
            for note in self.notes
            if (note["level"] in BAD or (note["level"] != "good" and note["id"] in counted))
            and note["id"] not in matched
        }


@contextlib.contextmanager
def gallery() -> Iterator[list[Stack]]:
    """Start everything that the tests of the gallery start."""
    with tempfile.TemporaryDirectory() as made, contextlib.ExitStack() as ending:
        folder = Path(made)
        for name in ("files", "origin", *set(PROGRAM_OF.values())):
            (folder / name).mkdir()
        content.make_files(folder / "files")
        os.environ["NOTMODIFIED_TEST_FILES"] = str(folder / "files")
        server = start_server(ORIGIN, folder / "origin", {})
        ending.callback(server.stop)
        origin = Origin(server)
        stacks = [Stack(name, f"{origin.url}/gallery/{name}/page") for name in APPLICATIONS]
        programs: dict[str, RunningProxy] = {}
        for role, name in BEHIND_PROXIES:
            program = PROGRAM_OF[role]
            if program not in programs:
                programs[program] = start(program, folder / program, origin)
                ending.callback(programs[program].stop)
            host, port = programs[program].roles[role]
            url = f"http://{host}:{port}/gallery/{name}/page?{new_id()}"
            stacks.append(Stack(f"{name} behind {role}", url, origin.url))
        yield stacks


def ask(stacks: list[Stack], python: str) -> str:
    """Have both look at all stacks; return REDbot's version."""
    for stack in stacks:
        command = [python, str(NOTES), stack.url]
        said = json.loads(subprocess.run(command, capture_output=True, check=True, timeout=60).stdout)
        unknown = frozenset().union(*SAME.values()) - set(said["names"])
        if unknown:
            sys.exit(f"REDbot has no such notes: {', '.join(sorted(unknown))}")
        stack.notes = said["notes"]
        # Not what it was asked before: caches would have it.
        url = re.sub(r"\?.*", f"?{new_id()}", stack.url)
        (page,) = judge(record_urls([url], Options(origin=stack.origin)), linted=True)["pages"]
        stack.findings = page["findings"]
    return said["versions"]


@dataclass
class Row:
    """A kind of defect: in which stacks it is, and what REDbot calls it where it says so."""

    stacks: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    names: set[str] = field(default_factory=set)


def rows(stacks: list[Stack]) -> dict[str, Row]:
    by_kind: dict[str, Row] = defaultdict(Row)
    for stack in stacks:
        # A kind counts once in a stack, however often it is told.
        notes: dict[str, set[str]] = defaultdict(set)
        for finding in stack.defects:
            notes[finding["id"]] |= stack.told(finding)
        for kind, names in notes.items():
            row = by_kind[kind]
            row.stacks.append(stack.name)
            row.names |= names
            row.told += [stack.name] if names else []
    return by_kind


def table(stacks: list[Stack], versions: str) -> str:
    """Return the tables for docs/check.md."""
    by_kind = rows(stacks)
    lines = [
        f"{versions}; {len(stacks)} stacks. Where a defect is, and in how many of them each tells it:",
        "",
        "| defect | in | `notmodified check` | REDbot | |",
        "| --- | --- | ---: | ---: | --- |",
    ]
    for kind in sorted(by_kind, key=lambda kind: (-len(by_kind[kind].stacks), kind)):
        row = by_kind[kind]
        names = ", ".join(f"`{name}`" for name in sorted(row.names))
        cells = [
            f"[`{kind}`](findings/{kind}.md)",
            ", ".join(row.stacks),
            len(row.stacks),
            len(row.told),
            names,
        ]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    lines += [
        f"| all | | {found(by_kind)} | {told(by_kind)} | |",
        "",
        "What REDbot tells and `notmodified check` does not:",
        "",
        "| note | of | in its words |",
        "| --- | --- | --- |",
    ]
    only: dict[tuple[str, str], list[str]] = defaultdict(list)
    for stack in stacks:
        for name, summary in stack.only_redbot().items():
            only[name, summary].append(stack.name)
    lines += [f"| `{name}` | {', '.join(of)} | {summary} |" for (name, summary), of in sorted(only.items())]
    return "\n".join(lines)


def found(by_kind: Mapping[str, Row]) -> int:
    return sum(len(row.stacks) for row in by_kind.values())


def told(by_kind: Mapping[str, Row]) -> int:
    return sum(len(row.told) for row in by_kind.values())


def sentence(stacks: list[Stack]) -> str:
    """Return what the README says."""
    by_kind = rows(stacks)
    kinds = sum(bool(row.told) for row in by_kind.values())
    return "\n".join(
        [
            "| | `notmodified check` | REDbot |",
            "| --- | ---: | ---: |",
            f"| defects in the {len(stacks)} stacks of the gallery | {found(by_kind)} | {told(by_kind)} |",
            f"| kinds of defects | {len(by_kind)} | {kinds} |",
        ]
    )


def put(file: Path, text: str) -> None:
    """Put text between the marks in a file."""
    marks = re.compile(r"(<!-- redbot -->\n\n).*?(\n\n<!-- /redbot -->)", re.DOTALL)
    before = file.read_text(encoding="utf-8")
    after, count = marks.subn(lambda match: match[1] + text + match[2], before)
    if count != 1:
        sys.exit(f"{file} has no place for it")
    file.write_text(after, encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--redbot", required=True, metavar="PYTHON", help="the Python that has REDbot")
    arguments = parser.parse_args()
    with gallery() as stacks:
        versions = ask(stacks, arguments.redbot)
    put(ROOT / "docs" / "check.md", table(stacks, versions))
    put(ROOT / "README.md", sentence(stacks))


if __name__ == "__main__":
    main()
