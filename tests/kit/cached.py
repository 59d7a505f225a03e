"""A client with cookies and a cache, as a browser has them.

It asks again with what it stored, and a 304 renews the fields of what it has (RFC 9111 §3.2).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import urllib3

if TYPE_CHECKING:
    from collections.abc import Mapping

HIDDEN = re.compile(r'<input[^>]*type="hidden"[^>]*>')
ATTRIBUTE = re.compile(r'(\w+)="([^"]*)"')


@dataclass
class Page:
    """What the client has of a URL: the last status it was told, and the page that it shows."""

    status: int
    fields: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    def hidden(self) -> dict[str, str]:
        """Return the hidden inputs of the page's forms, by name."""
        inputs = (dict(ATTRIBUTE.findall(tag)) for tag in HIDDEN.findall(self.text))
        return {each["name"]: each["value"] for each in inputs}


@dataclass
class CachingClient:
    address: tuple[str, int]
    accept_encoding: str = "identity"
    cookies: dict[str, str] = field(default_factory=dict)
    stored: dict[str, Page] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.pool = urllib3.HTTPConnectionPool(*self.address, timeout=10, retries=False)

    def send(
        self, method: str, target: str, fields: Mapping[str, str], body: bytes | None = None
    ) -> urllib3.BaseHTTPResponse:
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        sent = {"Accept-Encoding": self.accept_encoding, **fields} | ({"Cookie": cookies} if cookies else {})
        response = self.pool.request(method, target, headers=sent, body=body, redirect=False)
        for line in response.headers.getlist("Set-Cookie"):
            name, _, value = line.partition(";")[0].partition("=")
            self.cookies[name] = value
        return response

    def visit(self, target: str) -> Page:
        """Ask for a page, or whether the stored one is still good; return what is then shown."""
        stored = self.stored.get(target)
        asked = {"If-None-Match": stored.fields["etag"]} if stored and "etag" in stored.fields else {}
        response = self.send("GET", target, asked)
        fields = {name.lower(): value for name, value in response.headers.items()}
        if response.status == 304:
            assert stored is not None
            assert response.data == b""
            page = Page(304, stored.fields | fields, stored.body)
        else:
            page = Page(response.status, fields, response.data)
        self.stored[target] = page
        return page

    def submit(self, target: str, **inputs: str) -> urllib3.BaseHTTPResponse:
        """Send a form; nothing is followed."""
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return self.send("POST", target, kind, urlencode(inputs).encode())
