"""All requests in their order: pages, at hops, in codings."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urldefrag, urljoin, urlsplit

from notmodified import __version__
from notmodified.check import probes
from notmodified.check.cookies import Jar
from notmodified.check.limits import Limits
from notmodified.check.probes import CODINGS, Probe
from notmodified.check.recording import Exchange, Page, Recording, Trouble, joined

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from notmodified.check.recording import Answer, Fields, Hop, Response

USER_AGENT = f"notmodified-check/{__version__}"
_OK, _REDIRECTS = 200, frozenset({301, 302, 303, 307, 308})
_RATE = 10.0
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
ACCEPT = "text/html,application/xhtml+xml,*/*;q=0.8"
_USUAL = (("User-Agent", USER_AGENT), ("Accept", ACCEPT))


class Asker(Protocol):
    """Whoever sends requests: over a network, or in-process."""

    def ask(self, probe: Probe, target: str, fields: Fields) -> Answer:
        """Send a request."""

    def close(self) -> None:
        """Drop what is kept open."""


@dataclass(frozen=True)
class Asking:
    """How is asked."""

    limits: Limits = field(default_factory=Limits)
    fields: Fields = ()
    cookie: str | None = None
    replicas: int = 3
    allow_unsafe: bool = False
    codings: tuple[str, ...] = CODINGS
    progress: Callable[[str, str], None] | None = None
    """Called before each request with its URL and what it is sent for."""


def walk(
    urls: Iterable[str], hops: Sequence[Hop], asker: Callable[[str, Hop], Asker], asking: Asking
) -> Recording:
    """Ask for URLs at hops, the innermost first, and return what was answered.

    `asker` makes whoever asks for a URL at a hop.
    """
    return joined(hops, in_parts(urls, hops, asker, asking))


def in_parts(
    urls: Iterable[str],
    hops: Sequence[Hop],
    asker: Callable[[str, Hop], Asker],
    asking: Asking,
    links: Callable[[Page, Response], Iterable[Page]] | None = None,
) -> Iterator[Recording]:
    """Ask as `walk` does, and yield recordings of whole pages, each of little more than `limits.part` octets.

    What was yielded is forgotten. `links` says to which further pages a page leads.
    """
    recording = Recording(list(hops))
    waiting = [Page(urldefrag(url).url) for url in urls]
    known: set[str] = set()
    pace = _Pace(asking.limits)
    kept = 0
    while waiting:
        page = waiting.pop(0)
        if page.url in known:
            continue
        if kept > asking.limits.part:
            yield recording
            recording, kept = Recording(list(hops)), 0
        start = len(recording.exchanges)
        known.add(page.url)
        recording.pages.append(page)
        trip = _Trip(recording, asking, pace, known)
        first: Response | None = None
        # From the outside in: where the URL leads to is told there.
        for hop in reversed(hops):
            visit = _Visit(page, hop, asker(page.url, hop), trip)
            try:
                seen = visit.run(follow=hop is hops[-1])
            finally:
                visit.close()
            if hop is hops[-1]:
                page, first = visit.page, seen
        kept += recording.octets(start)
        if links is not None and first is not None:
            waiting.extend(links(page, first))
    yield recording


class _Pace:
    """No more requests a second to one host than are polite."""

    def __init__(self, limits: Limits) -> None:
        self._rate = limits.rate
        self._last = 0.0

    def wait(self, host: str | None) -> None:
        rate = self._rate
        if rate is None:
            rate = 0 if host in _LOOPBACK else _RATE
        if rate > 0:
            time.sleep(max(0.0, self._last + 1 / rate - time.monotonic()))
        self._last = time.monotonic()


@dataclass(frozen=True)
class _Trip:
    """What all visits share."""

    recording: Recording
    asking: Asking
    pace: _Pace
    known: set[str]
    """URLs of all pages, those that were forgotten too."""


class _Visit:
    """A page at one hop."""

    def __init__(self, page: Page, hop: Hop, asker: Asker, trip: _Trip) -> None:
        self.page = page
        self._hop = hop
        self._asker = asker
        self._recording = trip.recording
        self._known = trip.known
        self._asking = trip.asking
        self._pace = trip.pace
        self._jar = Jar(trip.asking.cookie)
        self._timeouts = 0

    def close(self) -> None:
        self._asker.close()

    def run(self, *, follow: bool) -> Response | None:
        """Ask for everything; return the plain response."""
        first = self._arrive(follow=follow)
        if first is None:
            return None
        if first.response is not None and self._jar.take_in(first.response):
            # What a browser is answered that comes again with the cookie it got.
            self._relabel("first", "cookieless")
            first = self._ask(Probe("first"), "identity")
        response = first.response
        if response is None or first.status != _OK or response.is_stream:
            if first.status is not None and not _is_success(first.status):
                self._ask(probes.star("first-star"), "identity")
            return response
        for probe in self._all(response):
            if not self._is_too_slow():
                self._ask(probe, "identity")
        for coding in self._asking.codings:
            if coding != "identity" and not self._is_too_slow():
                self._in_coding(coding)
        return response

    def _is_too_slow(self) -> bool:
        """Say whether so many requests ran into the time allowed that more would only take longer."""
        return self._timeouts >= self._asking.limits.timeouts

    def _all(self, first: Response) -> Iterator[Probe]:
        yield from probes.plain(self._asking.replicas)
        yield from probes.conditional(first)
        yield from probes.other(first, has_cookies=self._asking.cookie is not None)
        if self._asking.allow_unsafe:
            yield from probes.unsafe(first)

    def _in_coding(self, coding: str) -> None:
        first = self._ask(Probe("first"), coding)
        if first.response is None or first.status != _OK or first.response.get("Content-Encoding") is None:
            # As without: nothing more is to be learnt.
            return
        self._ask(Probe("repeat"), coding)
        self._ask(Probe("head", method="HEAD"), coding)
        for probe in probes.of_a_coding(first.response):
            self._ask(probe, coding)

    def _arrive(self, *, follow: bool) -> Answer | None:
        """Ask for the page, and for where it redirects to."""
        seen = {self.page.url}
        while True:
            first = self._ask(Probe("first"), "identity")
            location = first.response.get("Location") if first.response is not None else None
            if first.status not in _REDIRECTS or location is None or not follow:
                return first
            try:
                url = urldefrag(urljoin(self.page.url, _sendable(location))).url
                split = urlsplit(url)
                is_web = split.scheme in {"http", "https"} and split.hostname is not None
            except ValueError:
                url, is_web = location, False
            trouble = None
            if url in seen:
                trouble = f"to {url} again"
            elif len(seen) > self._asking.limits.redirects:
                trouble = f"more than {self._asking.limits.redirects}"
            elif not is_web:
                trouble = f"to {url}"
            elif urlsplit(url)[:2] != urlsplit(self.page.url)[:2]:
                # Another origin is another place to ask at.
                return first
            if trouble is not None:
                self._spoil(Trouble("redirects", trouble))
                return None
            seen.add(url)
            self._relabel("first", "redirect")
            self._ask(probes.star("redirect-star"), "identity")
            if url in self._known:
                return None
            self._known.remove(self.page.url)
            self._known.add(url)
            self._recording.rename(self.page.url, url)
            self.page = replace(self.page, url=url)

    def _relabel(self, old: str, new: str) -> None:
        """Say of the last request that it was for something else."""
        last = self._recording.exchanges[-1]
        if last.probe == old:
            self._recording.exchanges[-1] = replace(last, probe=new)

    def _spoil(self, trouble: Trouble) -> None:
        last = self._recording.exchanges[-1]
        self._recording.exchanges[-1] = replace(last, answer=replace(last.answer, trouble=trouble))

    def _ask(self, probe: Probe, coding: str) -> Answer:
        asking = self._asking
        if asking.progress is not None:
            asking.progress(self.page.url, probe.word)
        url = urlsplit(self.page.url)
        self._pace.wait(url.hostname)
        path = url.path or "/"
        if probe.path_suffix:
            path = path.rpartition("/")[0] + "/" + probe.path_suffix
        target = path + (f"?{url.query}" if url.query and not probe.path_suffix else "")
        answer = self._asker.ask(probe, target, self._fields(probe, coding))
        self._timeouts += answer.trouble is not None and answer.trouble.kind == "timeout"
        self._recording.exchanges.append(Exchange(self.page.url, self._hop.name, coding, probe.word, answer))
        return answer

    def _fields(self, probe: Probe, coding: str) -> Fields:
        """Return what the request has beside its Host; what is special about it replaces what is usual."""
        given = {name.lower() for name, _ in self._asking.fields}
        usual: list[tuple[str, str]] = [
            *(pair for pair in _USUAL if pair[0].lower() not in given),
            ("Accept-Encoding", coding),
            *self._asking.fields,
        ]
        cookie = None if probe.without_cookies else self._jar.field()
        special = list(probe.fields)
        if cookie is not None:
            added = [value for name, value in special if name == "Cookie"]
            special = [(name, value) for name, value in special if name != "Cookie"]
            special.append(("Cookie", "; ".join([cookie, *added])))
        names = {name.lower() for name, _ in special}
        return (*(pair for pair in usual if pair[0].lower() not in names), *special)


def _is_success(status: int) -> bool:
    return 200 <= status <= 299  # noqa: PLR2004  that is what 2xx means


def _sendable(location: str) -> str:
    """Return a Location as browsers take it: what no URL has is percent-encoded."""
    octets = location.strip().encode("latin-1", "replace")
    return "".join(chr(octet) if 0x20 < octet < 0x7F else f"%{octet:02X}" for octet in octets)  # noqa: PLR2004  the visible of ASCII
