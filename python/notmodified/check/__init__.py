"""What breaks revalidation, and where: asks for pages as clients and caches do, and judges what comes back.

| module | knows |
| --- | --- |
| `recording` | exchanges, and their JSON form: what `--record` writes |
| `limits` | how long, how much, how often at most |
| `probes` | which requests are sent for a page |
| `wire` | one request over a connection, by urllib3 |
| `in_process` | the same put to a WSGI or ASGI application |
| `subject` | an application, and as whom it is asked |
| `cookies` | what a browser would send back |
| `walk` | pages, at hops, in codings: all requests in their order |
| `crawl` | which pages a page leads to |
| `lint`, `linter` | what httplint has against the responses; the process that it runs in |
| `document` | the report, as types |
| `text`, `terminal` | showing it |
| `report` | all of it for the command lines of frameworks |

The judgement is Rust's (`src/audit/`), and needs nothing but a recording.
"""

from notmodified.check.in_process import record_app
from notmodified.check.limits import Limits
from notmodified.check.recording import Recording, judge

__all__ = ["Limits", "Recording", "judge", "record_app"]
