"""What the sample applications note down of each request, for the tests to ask about.

Held in the process: a server under test that is asked for it must have one worker.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

KEPT = 500

_lock = threading.Lock()
_environs: OrderedDict[str, WSGIEnvironment] = OrderedDict()
_events: defaultdict[str, list[str]] = defaultdict(list)


def arrived(environ: WSGIEnvironment) -> None:
    """Note the environ as the server made it."""
    with _lock:
        _environs[environ["HTTP_X_REQUEST_ID"]] = environ
        while len(_environs) > KEPT:
            forgotten, _ = _environs.popitem(last=False)
            _events.pop(forgotten, None)


def left(environ: WSGIEnvironment) -> None:
    """Keep the environ as it is now: the server is about to clear it."""
    with _lock:
        _environs[environ["HTTP_X_REQUEST_ID"]] = dict(environ)


def note(environ: WSGIEnvironment, event: str) -> None:
    """Note that something happened while this request was served."""
    with _lock:
        _events[environ["HTTP_X_REQUEST_ID"]].append(event)


def of(request_id: str) -> dict[str, object]:
    """Return all that is known of a request; of its environ what is text."""
    with _lock:
        environ = _environs.get(request_id, {})
        return {
            "events": list(_events.get(request_id, [])),
            "environ": {key: value for key, value in environ.items() if isinstance(value, str)},
        }
