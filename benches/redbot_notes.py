"""What REDbot says of a URL, as JSON: run by the Python that has it, by `compare_redbot.py`.

For one URL, because its event loop does not start a second time.
"""

from __future__ import annotations

import json
import sys
from configparser import ConfigParser
from typing import TYPE_CHECKING

import httplint
import redbot
import thor
from httplint.note import Note
from redbot.resource import HttpResource

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


def notes(url: str) -> list[dict[str, str]]:
    """Return REDbot's notes on the response, and on those to the requests that it makes beside."""
    config = ConfigParser()
    config.read_dict({"redbot": {"enable_local_access": "True"}})
    resource = HttpResource(config["redbot"])
    resource.set_request(url)
    resource.on("check_done", thor.stop)
    resource.check()
    thor.run()
    fetched = [resource, *(one for one in resource.subreqs.values() if one.fetch_started)]
    return [
        {
            "id": type(note).__name__,
            "level": note.level.value,
            "subject": note.subject,
            "summary": str(note.summary),
        }
        for one in fetched
        for note in with_those_below(one.response.notes)
    ]


def with_those_below(notes: Iterable[Note]) -> Iterator[Note]:
    """Yield notes, and the notes that they have."""
    for note in notes:
        yield note
        yield from with_those_below(note.subnotes)


def names(kind: type[Note]) -> set[str]:
    return {kind.__name__}.union(*(names(below) for below in kind.__subclasses__()))


if __name__ == "__main__":
    versions = f"REDbot {redbot.__version__}, httplint {httplint.__version__}"
    said = {"versions": versions, "names": sorted(names(Note)), "notes": notes(sys.argv[1])}
    json.dump(said, sys.stdout)
