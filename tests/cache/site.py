"""A site of one resource that says whatever a test wants, behind the middleware, in this process."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kit.in_process import Server, environ_of
from notmodified import NotModified

if TYPE_CHECKING:
    from collections.abc import Callable

    from kit.answer import Answer

FRESH = ("Cache-Control", "public, max-age=60")
# For the validator cache alone.
OURS = ("Notmodified-Cache-Control", "max-age=60")


@dataclass
class Said:
    """What the application answers next, and what it was asked."""

    status: str = "200 OK"
    fields: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b"content"
    calls: int = 0
    before_answering: Callable[[], object] = lambda: None
    seen: list[str] = field(default_factory=list)


class Site:
    """Asks and remembers how often the application ran."""

    def __init__(self, *fields: tuple[str, str], store: str = "process", **options: object) -> None:
        self.says = Said(fields=list(fields))
        self.application = NotModified(self._app, store=store, **options)

    def _app(self, environ, start_response):
        self.says.calls += 1
        self.says.before_answering()
        start_response(self.says.status, list(self.says.fields))
        return [self.says.body]

    def ask(
        self,
        *fields: tuple[str, str],
        method: str = "GET",
        target: str = "/page",
        environ: dict | None = None,
    ) -> Answer:
        """Send a request; its answer has the word of what became of it as its reason."""
        made = environ_of(method, target, fields, b"" if method in {"POST", "PUT", "PATCH"} else None)
        made.update(environ or {})
        server = Server(made)
        server.run(self.application)
        answer = server.answer("")
        answer.reason = made["notmodified.result"]
        return answer

    def again(self, *fields: tuple[str, str], tag: str | None = None, **how: object) -> Answer:
        """Ask whether the page is still what its tag says."""
        tag = tag or self.tag
        return self.ask(("If-None-Match", tag), *fields, **how)

    @property
    def tag(self) -> str:
        """The current tag, made by another instance, which this one does not hear of."""
        other = Site(*self.says.fields)
        other.says.body = self.says.body
        return other.ask()["ETag"]

    def runs(self, ask: Callable[[], Answer]) -> bool:
        """Tell whether the application ran for this."""
        before = self.says.calls
        ask()
        return self.says.calls > before

    def remembers(self, *fields: tuple[str, str], **how: object) -> bool:
        """Ask once, then whether it has changed, and tell whether that was answered from memory."""
        tag = self.ask(*fields, **how).all("ETag")
        assert tag
        return self.again(*fields, tag=tag[0], **how).reason == "remembered"
