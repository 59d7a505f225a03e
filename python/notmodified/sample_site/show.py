"""What `notmodified demo` prints: for people with rich, for programs as one JSON document."""

from __future__ import annotations

import signal
import threading
from contextlib import closing
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from notmodified.sample_site.client import Visitor
from notmodified.sample_site.server import serve
from notmodified.sample_site.walk import Walk

if TYPE_CHECKING:
    from types import FrameType

    from notmodified.sample_site.server import Server
    from notmodified.sample_site.walk import Saving, Step

_STYLES = {"not-modified": "bold green", "failed": "bold yellow", "modified": "bold cyan"}


def walk(*, as_json: bool, port: int) -> bool:
    """Walk through the site once; whether each step went as it should. Raises `ServerError`."""
    console = _console()
    with serve(port) as server, closing(Visitor(server)) as visitor:
        route = Walk(visitor)
        if as_json:
            _tell_as_json(console, server, route)
        else:
            _tell(console, server, route)
    return not route.problems


def stay(*, as_json: bool, port: int) -> None:
    """Serve the site until Ctrl-C or SIGTERM. Raises `ServerError`."""
    console = _console()
    ended = threading.Event()

    def end(_signal: int, _frame: FrameType | None) -> None:
        ended.set()

    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, end)
    with serve(port) as server:
        if as_json:
            console.print_json(data={"url": server.url, "access_log": str(server.access_log)})
        else:
            _invite(console, server)
        ended.wait()


def _console() -> Console:
    # Soft wrap: lines to be copied stay whole. No guessed highlights: what is marked is marked on purpose.
    return Console(highlight=False, soft_wrap=True)


def _tell(console: Console, server: Server, route: Walk) -> None:
    console.print(
        f"A Flask site under Gunicorn with 2 workers at [bold]{server.url}[/], wrapped by NotModified."
    )
    console.print("Bytes are what the client's socket received, head and body; times are the client's.\n")
    for number, step in enumerate(route.steps(), 1):
        _tell_step(console, number, step)
    console.print(_table(route))
    for problem in route.problems:
        console.print(f"[bold red]Not as it should be:[/] {escape(problem)}")
    if not route.problems:
        console.print(f"{len(route.steps_taken)} steps, each as it should be.")


def _tell_step(console: Console, number: int, step: Step) -> None:
    exchange = step.exchange
    style = _STYLES.get(exchange.result or "", "bold")
    console.print(f"{number:2}  [bold]{escape(step.title)}[/]")
    console.print(
        f"    {exchange.method} {escape(exchange.path)}  {exchange.status} {exchange.reason}"
        f"  [{style}]{exchange.result or '?'}[/]"
        f"  {exchange.bytes_received:,} bytes  {exchange.seconds * 1e3:.1f} ms"
    )
    console.print(f"    [dim]{escape(step.remark)}[/]")
    for problem in step.problems:
        console.print(f"    [bold red]{escape(problem)}[/]")
    console.print()


def _table(route: Walk) -> Table:
    table = Table(title="What the 304s saved (bytes received, head and body)", title_justify="left")
    table.add_column("asked again")
    for name in ("whole answer", "304", "not sent"):
        table.add_column(name, justify="right")
    for saving in route.savings:
        table.add_row(saving.path, *_figures([saving]))
    table.add_section()
    table.add_row(f"{len(route.savings)} revalidations", *_figures(route.savings), style="bold")
    return table


def _figures(savings: list[Saving]) -> tuple[str, str, str]:
    whole = sum(s.whole for s in savings)
    saved = sum(s.saved for s in savings)
    share = f" ({saved / whole:.1%})" if whole else ""
    return f"{whole:,}", f"{whole - saved:,}", f"{saved:,}{share}"


def _tell_as_json(console: Console, server: Server, route: Walk) -> None:
    steps = [
        {
            "title": step.title,
            "method": step.exchange.method,
            "path": step.exchange.path,
            "status": step.exchange.status,
            "result": step.exchange.result,
            "etag": step.exchange.etag or None,
            "bytes_sent": step.exchange.bytes_sent,
            "bytes_received": step.exchange.bytes_received,
            "seconds": round(step.exchange.seconds, 6),
            "server_seconds": step.exchange.server_seconds,
            "pieces": len(step.exchange.arrivals),
            "worker": step.exchange.worker,
            "remark": step.remark,
            "problems": list(step.problems),
        }
        for step in route.steps()
    ]
    savings = [
        {"path": s.path, "whole": s.whole, "not_modified": s.not_modified, "saved": s.saved}
        for s in route.savings
    ]
    whole, saved = sum(s.whole for s in route.savings), sum(s.saved for s in route.savings)
    document = {
        "url": server.url,
        "steps": steps,
        "savings": savings,
        "total": {"whole": whole, "not_modified": whole - saved, "saved": saved},
        "ok": not route.problems,
    }
    console.print_json(data=document)


def _invite(console: Console, server: Server) -> None:
    url = server.url
    console.print(f"The sample site is up at [bold]{url}[/] (Gunicorn, 2 workers). Ctrl-C ends it.\n")
    console.print("In another terminal:\n")
    tag = f"$(curl -sI {url}/ | sed -n 's/^etag: //Ip' | tr -d '\\r')"
    put = f"curl -X PUT {url}/api/articles/who-decides -H 'Content-Type: application/json'"
    download = f"curl -sS {url}/almanac.csv -o almanac.csv --etag-save almanac.etag"
    for why, line in (
        ("a page and its tag", f"curl -i {url}/"),
        ("the same again: 304", f'curl -i {url}/ -H "If-None-Match: {tag}"'),
        ("an edit", put + """ -d '{"title": "Who decides"}'"""),
        ("a failed precondition: 412", f"""curl -i {url}/ -H 'If-Match: "another"'"""),
        ("a download; then only if it changed", download),
        ("", download + " --etag-compare almanac.etag -w '%{http_code}\\n'"),
        ("events, one by one", f"curl -N '{url}/events?count=10'"),
        ("what Gunicorn logged of it", f"tail -f {server.access_log}"),
    ):
        if why:
            console.print(f"[dim]# {why}[/]")
        console.print(line, markup=False)
    console.print()
