"""The report on a terminal, with rich."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.padding import Padding
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from notmodified.check import text
from notmodified.report.words import clean

if TYPE_CHECKING:
    from notmodified.check.document import Document, Finding, Page

_STYLES = {"error": "bold red", "warning": "yellow", "info": "cyan", None: "bold green"}


def show(document: Document, *, verbose: bool = False) -> None:
    """Print the report."""
    console = Console(highlight=False)
    for page in document["pages"]:
        _page(console, page, verbose=verbose)
        console.print()
    console.print(Text(text.summary(document), style="bold"))
    console.print(Text(clean(text.linter_line(document)), style="dim"))


def progress() -> Progress:
    """Return a line on standard error that shows what is being asked."""
    return Progress(
        SpinnerColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.completed} requests, {task.description}"),
        console=Console(stderr=True),
        transient=True,
    )


def _page(console: Console, page: Page, *, verbose: bool) -> None:
    console.print(Text(clean(page["url"]), style="bold underline"))
    console.print(Padding(Text(clean(page["verdict"]), style=_STYLES[page["severity"]]), (0, 0, 0, 2)))
    about = Text(style="dim")
    for hop in page["hops"]:
        about.append(text.hop_line(hop, alone=len(page["hops"]) == 1) + "\n")
    for use in page["freshness"]:
        about.append(f"{use['cache']}: {use['says']}\n")
    console.print(Padding(about, (0, 0, 0, 2)))
    for number, finding in enumerate(page["findings"], 1):
        _finding(console, number, finding, page, verbose=verbose)


def _finding(console: Console, number: int, finding: Finding, page: Page, *, verbose: bool) -> None:
    head = Text(f"{number}. {finding['title']}", style="bold")
    head.append(f"  {finding['severity']}", style=_STYLES[finding["severity"]])
    head.append(f"  {finding['id']}  {text.where(finding, page)}", style="dim")
    console.print(Padding(head, (0, 0, 0, 2)))
    body = Text(clean(finding["says"]) + "\n")
    for paragraph in text.paragraphs(finding):
        body.append(clean(paragraph) + "\n")
    body.append(text.meaning(finding) + "\n", style="dim")
    for difference in finding["differences"]:
        for line in text.difference_lines(difference):
            body.append(line + "\n", style="magenta")
    for evidence in finding["evidence"]:
        body.append(text.evidence_line(evidence) + "\n", style="cyan")
        if verbose:
            for line in text.heads(evidence):
                body.append(f"  {line}\n", style="dim")
    body.append(finding["fix"], style="green")
    for fix in finding["lines"]:
        body.append(f"\n{fix['place']}: ", style="bold green")
        body.append("\n    ".join(clean(one) for one in fix["text"].split("\n")), style="green")
    console.print(Padding(body, (0, 0, 1, 5)))
