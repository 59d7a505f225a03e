"""The sample site's articles, in one SQLite file that all workers share."""

from __future__ import annotations

import csv
import math
import os
import sqlite3
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_FIRST_EDITION = Path(__file__).with_name("first_edition")

_LATITUDE = math.radians(52)


@dataclass(frozen=True)
class Article:
    """One article and how often it was edited."""

    slug: str
    title: str
    body: str
    revision: int


class Articles:
    """The articles in a directory; any number of processes may have the same one open."""

    def __init__(self, directory: Path) -> None:
        """Open the articles in `directory`, and write the first edition if there is none."""
        self._file = directory / "articles.sqlite"
        self.almanac = directory / "almanac.csv"
        with self._connection() as connection:
            # IMMEDIATE: of several workers that start at once, one writes and the others find it written.
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(
                "CREATE TABLE IF NOT EXISTS article"
                " (slug TEXT PRIMARY KEY, title TEXT NOT NULL, body TEXT NOT NULL, revision INTEGER NOT NULL)"
            )
            connection.executemany("INSERT OR IGNORE INTO article VALUES (?, ?, ?, 1)", _first_edition())
            if not self.almanac.exists():
                _write_almanac(self.almanac)

    def count_report(self) -> None:
        """Note that the report was made once more."""
        with (self._file.parent / "reports").open("ab") as file:
            file.write(b".")

    @property
    def reports(self) -> int:
        """How often the report was made, by any process."""
        file = self._file.parent / "reports"
        return file.stat().st_size if file.exists() else 0

    def all(self) -> list[Article]:
        """Return every article, in the order of their slugs."""
        with self._connection() as connection:
            rows = connection.execute("SELECT slug, title, body, revision FROM article ORDER BY slug")
            return [Article(*row) for row in rows]

    def get(self, slug: str) -> Article | None:
        """Return one article, or None."""
        with self._connection() as connection:
            row = connection.execute(
                "SELECT slug, title, body, revision FROM article WHERE slug = ?", (slug,)
            ).fetchone()
        return None if row is None else Article(*row)

    def edit(self, slug: str, title: str | None, body: str | None) -> Article | None:
        """Replace what is given and return the new state; None if there is no such article."""
        with self._connection() as connection:
            row = connection.execute(
                "UPDATE article"
                " SET title = coalesce(?, title), body = coalesce(?, body), revision = revision + 1"
                " WHERE slug = ? RETURNING slug, title, body, revision",
                (title, body, slug),
            ).fetchone()
        return None if row is None else Article(*row)

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        # A connection per use: nothing is shared between threads or carried over a fork.
        with closing(sqlite3.connect(self._file, timeout=10)) as connection, connection:
            yield connection


def _first_edition() -> Iterator[tuple[str, str, str]]:
    for file in sorted(_FIRST_EDITION.glob("*.txt")):
        title, _, body = file.read_text(encoding="utf-8").partition("\n\n")
        yield file.stem, title, body.strip()


def _write_almanac(file: Path) -> None:
    """Write the length of each day of thirty years at 52° north: a download of a few hundred kilobytes."""
    draft = file.with_suffix(f".{os.getpid()}")
    with draft.open("w", encoding="ascii", newline="") as out:
        rows = csv.writer(out)
        rows.writerow(["year", "day", "hours_of_daylight"])
        for year in range(2000, 2030):
            for day in range(1, 366):
                declination = math.radians(-23.44) * math.cos(2 * math.pi * (day + 10) / 365)
                hours = 24 / math.pi * math.acos(-math.tan(_LATITUDE) * math.tan(declination))
                rows.writerow([year, day, f"{hours:.4f}"])
    draft.replace(file)
