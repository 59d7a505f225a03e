"""An application, and as whom it is asked: at which host, with which cookies and fields."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote

from notmodified.check.in_process import HOP, ORIGIN, InProcess
from notmodified.check.limits import Limits
from notmodified.check.probes import Probe
from notmodified.check.walk import Asking, walk

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from notmodified.check.recording import Answer, Fields, Recording

# What each request for the audit has of its own.
_OF_A_REQUEST = frozenset({
    "Accept-Encoding", "Cache-Control", "Connection", "Cookie", "Host", "If-Match", "If-Modified-Since",
    "If-None-Match", "If-Range", "If-Unmodified-Since", "Pragma", "Range",
})  # fmt: skip
_OF_ITS_PLACE = frozenset({"REQUEST_METHOD", "PATH_INFO", "QUERY_STRING", "CONTENT_TYPE", "CONTENT_LENGTH"})


@dataclass(frozen=True)
class Subject:
    """An application of WSGI or ASGI, and what goes with each request to it."""

    application: object
    origin: str = ORIGIN
    """Scheme and host of its URLs."""
    fields: Fields = ()
    cookie: str | None = None
    environ: Mapping[str, str] = field(default_factory=dict)
    """What else WSGI applications find in each environ."""
    is_asgi: bool | None = None
    """None: its looks tell."""

    @classmethod
    def at(cls, application: object, host: str, *, scheme: str = "http") -> Subject:
        """Return one that is asked at a host, by nobody in particular."""
        name, _, port = host.partition(":")
        environ = {
            "HTTP_HOST": host,
            "SERVER_NAME": name,
            "SERVER_PORT": port or ("443" if scheme == "https" else "80"),
            "wsgi.url_scheme": scheme,
        }
        return cls(application, f"{scheme}://{host}", environ=environ)

    @classmethod
    def as_in(cls, application: object, environ: Mapping[str, object]) -> Subject:
        """Return one that is asked as by the request of this environ, whatever that asked for."""
        texts = {key: value for key, value in environ.items() if isinstance(value, str)}
        host = texts.get("HTTP_HOST") or texts.get("SERVER_NAME", "localhost")
        scheme = texts.get("wsgi.url_scheme", "http")
        own = {
            key: value
            for key, value in texts.items()
            if key.isupper() and not key.startswith("HTTP_") and key not in _OF_ITS_PLACE
        }
        # Without the field, anything is accepted (RFC 9110 §12.5.1).
        fields = {"Accept": "*/*"} | {
            key.removeprefix("HTTP_").replace("_", "-").title(): value
            for key, value in texts.items()
            if key.startswith("HTTP_")
        }
        return cls(
            application,
            f"{scheme}://{host}",
            tuple((name, value) for name, value in fields.items() if name not in _OF_A_REQUEST),
            texts.get("HTTP_COOKIE") or None,
            {**own, "HTTP_HOST": host, "wsgi.url_scheme": scheme},
            is_asgi=False,
        )

    @property
    def has_credentials(self) -> bool:
        """Tell whether the answer may be for one user alone."""
        return self.cookie is not None or any(name == "Authorization" for name, _ in self.fields)

    def record(self, targets: Iterable[str]) -> Recording:
        """Ask for targets such as `/articles?page=2`, as `record_app` does, and return what was answered."""
        asker = self._asker()
        asking = Asking(limits=_LIMITS, fields=self.fields, cookie=self.cookie, replicas=0)
        return walk([self.origin + target for target in targets], [HOP], lambda _url, _hop: asker, asking)

    def get(self, target: str, *fields: tuple[str, str]) -> Answer:
        """Ask for one target with these fields, and return what was answered."""
        cookie = [("Cookie", self.cookie)] if self.cookie is not None else []
        return self._asker().ask(Probe("first"), target, (*self.fields, *cookie, *fields))

    def _asker(self) -> InProcess:
        return InProcess(self.application, _LIMITS, is_asgi=self.is_asgi, environ=self.environ)


# There is nobody to be polite to.
_LIMITS = Limits(rate=0)


def target_of(environ: Mapping[str, object]) -> str:
    """Return the target of an environ's request: its path from the root, and its query."""
    path = f"{environ.get('SCRIPT_NAME', '')}{environ.get('PATH_INFO', '')}"
    query = environ.get("QUERY_STRING")
    return quote(path.encode("latin-1", "replace"), safe="/:@!$&'()*+,;=~") + (f"?{query}" if query else "")
