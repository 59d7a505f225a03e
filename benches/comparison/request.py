"""A request as a browser sends it through a proxy, and the environ that Gunicorn 27 makes of it."""

from __future__ import annotations

import io
from wsgiref.util import FileWrapper

ETAG = '"EkuLqFZssAeTzMH5WjH89A"'

FIELDS = (
    ("Host", "www.example.com"),
    ("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"),
    ("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
    ("Accept-Language", "en-GB,en;q=0.5"),
    ("Accept-Encoding", "gzip, deflate, br, zstd"),
    ("Cookie", "sessionid=q1w2e3r4t5y6u7i8o9p0a1s2d3f4g5h6; theme=dark"),
    ("Referer", "https://www.example.com/articles/2026/"),
    ("X-Forwarded-For", "203.0.113.7"),
    ("X-Forwarded-Proto", "https"),
    ("X-Request-Id", "6f1c2d3e4b5a69788796a5b4c3d2e1f0"),
    ("Connection", "close"),
    ("Cache-Control", "max-age=0"),
)

# Recorded from Gunicorn 27.0.1 by an app that wrote its environ down; the server's own objects are stand-ins.
ENVIRON = {
    "wsgi.errors": io.StringIO(),
    "wsgi.version": (1, 0),
    "wsgi.multithread": False,
    "wsgi.multiprocess": False,
    "wsgi.run_once": False,
    "wsgi.file_wrapper": FileWrapper,
    "wsgi.input_terminated": True,
    "SERVER_SOFTWARE": "gunicorn/27.0.1",
    "wsgi.input": io.BytesIO(),
    "gunicorn.socket": object(),
    "REQUEST_METHOD": "GET",
    "QUERY_STRING": "page=2",
    "RAW_URI": "/articles/2026/conditional-requests?page=2",
    "SERVER_PROTOCOL": "HTTP/1.1",
    "HTTP_HOST": "www.example.com",
    "HTTP_USER_AGENT": "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
    "HTTP_ACCEPT": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "HTTP_ACCEPT_LANGUAGE": "en-GB,en;q=0.5",
    "HTTP_ACCEPT_ENCODING": "gzip, deflate, br, zstd",
    "HTTP_COOKIE": "sessionid=q1w2e3r4t5y6u7i8o9p0a1s2d3f4g5h6; theme=dark",
    "HTTP_REFERER": "https://www.example.com/articles/2026/",
    "HTTP_X_FORWARDED_FOR": "203.0.113.7",
    "HTTP_X_FORWARDED_PROTO": "https",
    "HTTP_X_REQUEST_ID": "6f1c2d3e4b5a69788796a5b4c3d2e1f0",
    "HTTP_CONNECTION": "close",
    "HTTP_CACHE_CONTROL": "max-age=0",
    "wsgi.url_scheme": "https",
    "REMOTE_ADDR": "127.0.0.1",
    "REMOTE_PORT": "34724",
    "SERVER_NAME": "127.0.0.1",
    "SERVER_PORT": "8655",
    "PATH_INFO": "/articles/2026/conditional-requests",
    "SCRIPT_NAME": "",
    "wsgi.early_hints": lambda headers: None,
}


def environ_with(**fields: str) -> dict[str, object]:
    """The environ with further fields, where Gunicorn puts them: last of the HTTP_ ones."""
    environ: dict[str, object] = {}
    for key, value in ENVIRON.items():
        if key == "wsgi.url_scheme":
            environ |= {f"HTTP_{name.upper()}": field for name, field in fields.items()}
        environ[key] = value
    return environ


# Fields that are slow to read for who reads them carelessly.
HOSTILE = {"commas": ",", "quotes": '"', "one-character tags": '"a",'}


def hostile(shape: str, length: int) -> str:
    piece = HOSTILE[shape]
    return (piece * (length // len(piece) + 1))[:length]
