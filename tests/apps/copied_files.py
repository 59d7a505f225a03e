"""One of several servers of the same files, by WhiteNoise: `COPIED_FILES` is this server's own copy."""

from __future__ import annotations

import os
import warnings
from typing import TYPE_CHECKING

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from whitenoise import WhiteNoise

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed.wsgi import StartResponse, WSGIEnvironment


def nothing(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    start_response("404 Not Found", [("Content-Length", "0")])
    return []


application = WhiteNoise(nothing, root=os.environ["COPIED_FILES"], autorefresh=False)
