"""The analysis on a terminal, with rich."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.padding import Padding
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.table import Table
from rich.text import Text

from notmodified.report import text
from notmodified.report.words import clean, duration, share, size

if TYPE_CHECKING:
    from notmodified.report.document import Document, Finding, Simulation

_STYLES = {"error": "bold red", "warning": "yellow", "info": "cyan"}
_BAR = 24


def show(document: Document) -> None:
    """Print the summary."""
    console = Console(highlight=False)
    for line in text.read(document):
        console.print(Text(line, style="dim"))
    console.print()
    console.print(Text(text.headline(document), style="bold"))
    for sentence in text.answer(document):
        console.print(Text(sentence))
    console.print()
    console.print(_statuses(document))
    if document["log"]["cannot_tell"]:
        console.print()
    for sentence in document["log"]["cannot_tell"]:
        console.print(Text(sentence, style="dim"))
    for number, finding in enumerate(document["findings"], 1):
        _finding(console, number, finding)
    _proposals(console, document)
    if document["simulation"] is not None:
        _simulation(console, document["simulation"])


def progress() -> Progress:
    """Return a bar on standard error that shows how fast bytes are read and when the last will be."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )


def _statuses(document: Document) -> Table:
    totals = document["totals"]
    table = Table(box=None, pad_edge=False)
    for name in ("status", "", "share", "requests", "bytes", "workers"):
        table.add_column(name, justify="left" if name in {"status", ""} else "right")
    most = max((cost["requests"] for cost in totals["by_status"].values()), default=1)
    for status, cost in totals["by_status"].items():
        table.add_row(
            status,
            Text(
                "█" * max(1, round(_BAR * cost["requests"] / most)),
                style="green" if status == "304" else "blue",
            ),
            share(cost["requests"], totals["requests"]),
            f"{cost['requests']:,}",
            size(cost["bytes"]),
            duration(cost["worker_seconds"]) if cost["worker_seconds"] else "",
        )
    return table


def _finding(console: Console, number: int, finding: Finding) -> None:
    console.print()
    head = Text(f"{number}. {finding['title']}", style="bold")
    head.append(f"  {finding['severity']}", style=_STYLES[finding["severity"]])
    head.append(f"  {finding['id']}", style="dim")
    console.print(head)
    body = Text(f"{text.cost(finding['cost'])}. {finding['meaning']}\n")
    body.append(finding["fix"], style="green")
    for route in finding["routes"][:3]:
        body.append(f"\n{route['requests']:>9,}  {clean(route['route'], 80)}", style="bold")
    for one in finding["clients"][:3]:
        body.append(f"\n{one['requests']:>9,}  {text.whose(one)}", style="bold")
    for line in finding["evidence"]:
        body.append(
            f"\n{clean(line['place'])}  {clean(line['request'], 60)} → {line['status']}  "
            f"{clean(line['client'], 40)}",
            style="dim",
        )
    console.print(Padding(body, (0, 0, 0, 3)))


def _proposals(console: Console, document: Document) -> None:
    console.print()
    proposed = text.proposed(document)
    if not proposed:
        console.print("Nothing is proposed: no route was asked for again often enough to tell.")
        return
    table = Table(
        title=f"Proposed, at a risk of {100 * document['risk']:g}% outdated uses (--policies writes them)",
        title_justify="left",
        title_style="bold",
        box=None,
        pad_edge=False,
    )
    table.add_column("route", overflow="fold")
    table.add_column("proposal")
    for name in ("saves", "of it 304s", "outdated"):
        table.add_column(name, justify="right")
    table.add_column("confidence")
    for route, proposal in proposed[: text.ROUTES]:
        table.add_row(
            Text(clean(route["route"], 80)),
            text.what(proposal["kind"], proposal["lifetime"]),
            f"{proposal['saved']['requests']:,}",
            f"{proposal['not_modified']:,}",
            f"{proposal['stale']:,}",
            proposal["confidence"],
        )
    console.print(table)
    if len(proposed) > text.ROUTES:
        console.print(f"and {len(proposed) - text.ROUTES} more (--json has all of them)", style="dim")


def _simulation(console: Console, simulation: Simulation) -> None:
    console.print()
    shared = ", with a shared cache" if simulation["shared_cache"] else ""
    table = Table(
        title=f"Under the policies of --simulate{shared}", title_justify="left", title_style="bold", box=None
    )
    for name in ("", "before", "after"):
        table.add_column(name, justify="right" if name else "left")
    for row in text.changes(simulation["before"], simulation["after"]):
        table.add_row(*row)
    console.print(table)
    if sentences := text.remarks(simulation):
        console.print(Text(sentences, style="yellow"))
    routes = Table(box=None)
    for name in ("route", "requests before", "after", "outdated uses"):
        routes.add_column(name, justify="left" if name == "route" else "right")
    for route in simulation["routes"][: text.ROUTES]:
        before, after = route["before"], route["after"]
        figures = (f"{before['requests']:,}", f"{after['requests']:,}", f"{after['stale']:,}")
        routes.add_row(Text(clean(route["route"], 80)), *figures)
    console.print(routes)
