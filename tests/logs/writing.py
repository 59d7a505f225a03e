"""Lines of access logs, made to order."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from notmodified._core import analyse_logs

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from notmodified.report.document import Document

START = datetime(2026, 11, 24, 12, 0, tzinfo=timezone.utc)
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
CRAWLER = "Mozilla/5.0 (compatible; ExampleBot/1.0; +http://bot.example/)"


@dataclass(frozen=True)
class Line:
    """One exchange, in the format of `notmodified.gunicorn`."""

    at: float = 0
    target: str = "/"
    status: int = 200
    client: str = "192.0.2.1"
    method: str = "GET"
    size: int | str = 100
    agent: str = BROWSER
    if_none_match: str = "-"
    if_match: str = "-"
    etag: str = "-"
    cache_control: str = "-"
    user: str = "-"
    us: int | str = "-"

    def __str__(self) -> str:
        when = (START + timedelta(seconds=self.at)).strftime("%d/%b/%Y:%H:%M:%S +0000")

        def quoted(text: str) -> str:
            return '"' + text.replace('"', '\\"') + '"'

        return (
            f'{self.client} - {self.user} [{when}] "{self.method} {self.target} HTTP/1.1"'
            f' {self.status} {self.size} "-" "{self.agent}"'
            f' if_none_match={quoted(self.if_none_match)} if_modified_since="-"'
            f' if_match={quoted(self.if_match)} if_unmodified_since="-"'
            f' etag={quoted(self.etag)} last_modified="-"'
            f' cache_control="{self.cache_control}" content_length=- result=- us={self.us}'
        )


def write(file: Path, lines: Iterable[object]) -> Path:
    """Write them to a file."""
    file.write_bytes(b"".join(str(line).encode() + b"\n" for line in lines))
    return file


def analysed(file: Path, **options: object) -> Document:
    """Analyse a log."""
    return json.loads(analyse_logs([file], **options))
