"""How much is asked, waited for and read at most, whatever a server does."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Limits of one exchange and of the whole."""

    timeout: float = 10.0
    """Seconds from the request to the last octet of its response."""
    head: int = 64 * 1024
    """Octets of a response's head."""
    body: int = 8 * 1024 * 1024
    """Octets of content that are read; past them the connection is dropped."""
    kept: int = 512 * 1024
    """Octets of content that are kept for comparison."""
    part: int = 16 * 1024 * 1024
    """Octets of heads and content, of whole pages, after which a crawl judges what it has, and forgets it."""
    redirects: int = 10
    """Redirects that are followed."""
    timeouts: int = 3
    """Time-outs of a page at a hop after which nothing more is asked there."""
    rate: float | None = None
    """Requests a second; None for 10, and any number on the own machine; 0 for any number."""
