"""Live URLs: which hops are asked, and over what."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from notmodified.check.crawl import Crawl
from notmodified.check.limits import Limits
from notmodified.check.recording import Hop, joined
from notmodified.check.walk import Asking, in_parts
from notmodified.check.wire import Target, Trust, Wire, proxy_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from notmodified.check.recording import Fields, Recording


@dataclass(frozen=True)
class Options:
    """What the command line has options for."""

    limits: Limits = field(default_factory=Limits)
    origin: str | None = None
    via: tuple[str, ...] = ()
    crawl: int = 0
    fields: Fields = ()
    cookie: str | None = None
    proxy: str | None = None
    verify: bool = True
    authority: str | None = None
    """A file of certificates, in PEM, of the authorities that are trusted in place of the system's."""
    replicas: int = 3
    allow_unsafe: bool = False


def record_urls(
    urls: Sequence[str], options: Options, *, progress: Callable[[str, str], None] | None = None
) -> Recording:
    """Ask for URLs over the network, at each hop, and return what was answered.

    Raises as `parts_of_urls` does.
    """
    return joined(hops_of(options), parts_of_urls(urls, options, progress=progress))


def parts_of_urls(
    urls: Sequence[str], options: Options, *, progress: Callable[[str, str], None] | None = None
) -> Iterator[Recording]:
    """Return the same in parts of a bounded size, each asked for when it is wanted.

    Raises ValueError for what is no URL of http or https, no proxy, no file of certificates. What servers do
    wrong is recorded, not raised.
    """
    hops = hops_of(options)
    for url in urls:
        for hop in hops:
            Target.of(url, hop.address)
    if options.proxy is not None:
        proxy_of(options.proxy)
    trust = Trust(verify=options.verify, authority=options.authority)
    trust.context()

    def wire(url: str, hop: Hop) -> Wire:
        proxy = options.proxy if hop.address is None else None
        return Wire(Target.of(url, hop.address, proxy=proxy, trust=trust), options.limits)

    asking = Asking(
        limits=options.limits,
        fields=options.fields,
        cookie=options.cookie,
        replicas=options.replicas,
        allow_unsafe=options.allow_unsafe,
        progress=progress,
    )
    return in_parts(urls, hops, wire, asking, Crawl(options.crawl).links if options.crawl else None)


def hops_of(options: Options) -> list[Hop]:
    """Return where is asked, the innermost first; the URL's own place is the last."""
    hops = [Hop("origin", options.origin)] if options.origin else []
    hops += [Hop(f"via {urlsplit(address).netloc}", address) for address in options.via]
    return [*hops, Hop("public address")]
