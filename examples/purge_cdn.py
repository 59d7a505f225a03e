"""Purge a CDN whenever the validator cache forgets something.

Import this module where the application is made, and say where the CDN takes purges:

    CDN_PURGE_URL=https://cdn.example/purge CDN_TOKEN=... gunicorn mysite.wsgi

What is sent is JSON: {"paths": [...], "urls": [...], "groups": [...], "everything": false}. Rewrite `purge`
for the API of yours; most take surrogate keys or cache tags, which is what groups are.

It is called in processes that have imported it. `notmodified invalidate` imports no application and purges
nothing: from a shell use `flask caching invalidate` or `manage.py invalidate_caching`, which do, or a script
that imports it and calls `notmodified.invalidate(...)`.
"""

import json
import os
from urllib.request import Request, urlopen

from notmodified import Invalidated, on_invalidate

SECONDS = 3


@on_invalidate
def purge(names: Invalidated) -> None:
    """Tell the CDN at once: whoever wrote gets an answer only when that is done."""
    body = json.dumps(
        {
            "paths": names.paths,
            "urls": names.urls,
            "groups": names.groups,
            "everything": names.everything,
        }
    )
    request = Request(
        os.environ["CDN_PURGE_URL"],
        data=body.encode(),
        headers={
            "Content-Type": "application/json",
            "Authorization": f"Bearer {os.environ.get('CDN_TOKEN', '')}",
        },
        method="POST",
    )
    with urlopen(request, timeout=SECONDS):
        pass
