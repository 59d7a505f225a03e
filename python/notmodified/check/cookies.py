"""What a browser would send back of the cookies that it was given, for one origin."""

from __future__ import annotations

from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from notmodified.check.recording import Response


class Jar:
    """Cookies by name. Their paths and domains are not looked at: all that is asked is one origin."""

    def __init__(self, given: str | None = None) -> None:
        """Start with those of a Cookie field, which the user gave."""
        self._cookies: dict[str, str] = {}
        for pair in (given or "").split(";"):
            name, equals, value = pair.strip().partition("=")
            if equals:
                self._cookies[name] = value

    def take_in(self, response: Response) -> bool:
        """Take in what a response sets; say whether there is a cookie that was not there before."""
        before = set(self._cookies)
        for line in response.all("Set-Cookie"):
            try:
                parsed = SimpleCookie(line)
            except CookieError:
                continue
            for name, morsel in parsed.items():
                if morsel["max-age"] == "0":
                    self._cookies.pop(name, None)
                else:
                    self._cookies[name] = morsel.coded_value
        return not set(self._cookies) <= before

    def field(self) -> str | None:
        """Return the value of the Cookie field, if there is one to be sent."""
        return "; ".join(f"{name}={value}" for name, value in self._cookies.items()) or None
