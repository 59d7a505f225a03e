"""The values that stand for what a request can say and a server can have.

The representation's tag is "v1" and its date is THEN, or a second to either side of it.
"""

from __future__ import annotations

from model.rfc9110_model import State, Tag

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PURGE"]

THEN = 784111777
IMF = "Sun, 06 Nov 1994 08:49:37 GMT"

# One value for each case that the specification tells apart.
TAGS = [
    None,
    "*",
    '"v1"',
    'W/"v1"',
    '"other"',
    '"a,b","v1"',
    ', "other"\t,\tW/"v1" ,,',
    '""',
    '"*"',
    "",
    '"v1-gzip"',
    "v1",
    '*, "v1"',
    'bad, "v1"',
    '"other", "v1',
    '"v1" "v1"',
    "*,",
    'W/"*"',
    '"v 1"',
    '"other" , "v1"',
]
DATES = [
    None,
    IMF,
    "Sunday, 06-Nov-94 08:49:37 GMT",
    "Sun Nov  6 08:49:37 1994",
    "yesterday",
    "Sun, 06 Nov 1994 08:49:37 +0000",
    f"{IMF},{IMF}",
    "",
]

# What is left: spellings, near misses, extremes.
MORE_TAGS = [
    " * ",
    "**",
    "*,*",
    'W/""',
    '"","v1"',
    '"v1","other"',
    '"other","v1"',
    '"other"\t,\t"v1"',
    ',,,"v1",,,',
    ",",
    " , , ",
    '"V1"',
    '"v1 "',
    'w/"v1"',
    "W/v1",
    'W/ "v1"',
    'W"v1"',
    "'v1'",
    '"v1',
    'v1"',
    '"v1""v1"',
    '"v1";"v1"',
    'W/"v1-gzip"',
    '"v1;gzip"',
    '"v1--gzip"',
    '"v1-br"',
    '"v1;br"',
    '"v1--zstd"',
    '"v1-deflate"',
    '"v1-GZIP"',
    '"v1_gzip"',
    '"-gzip"',
    '"gzip"',
    '"v1-gzi"',
    '"v1\x7f"',
    '"v1\x00"',
    '"v1\xe4"',
    '"\xff"',
    '"v1\n"',
    '"v1",\x0b"other"',
    "[]",
    '\\"v1\\"',
    ",".join(f'"{n}"' for n in range(1000)) + ',"v1"',
    "," * 5000 + '"v1"',
]
MORE_DATES = [
    f" {IMF}\t",
    "Sun, 06 Nov 1994 08:49:36 GMT",
    "Sun, 06 Nov 1994 08:49:38 GMT",
    "Sun, 06 Nov 1994 08:49:37 UTC",
    "Sun, 06 Nov 1994 08:49:37 gmt",
    "sun, 06 nov 1994 08:49:37 GMT",
    "Sun, 6 Nov 1994 08:49:37 GMT",
    "Sun 06 Nov 1994 08:49:37 GMT",
    "06 Nov 1994 08:49:37 GMT",
    "Sun, 06 Nov 1994 08:49:37",
    "Sun, 06 Nov 94 08:49:37 GMT",
    "Sun, 06-Nov-1994 08:49:37 GMT",
    "Sunday, 06-Nov-1994 08:49:37 GMT",
    "Sun, 06 Nov 1994 08:49:37 GMT; length=1",
    "Sun, 06 Nov 1994  08:49:37 GMT",
    "Sun Nov 6 08:49:37 1994",
    "Sun Nov 06 08:49:37 1994",
    "Sun Nov  6 08:49:37 1994 GMT",
    "Sun, 31 Nov 1994 08:49:37 GMT",
    "Sun, 06 Nov 1994 24:00:00 GMT",
    "Sun, 06 Nov 1994 08:60:37 GMT",
    "Sun, 00 Nov 1994 08:49:37 GMT",
    "Sun, 06 Foo 1994 08:49:37 GMT",
    "Fri, 01 Jan 1960 00:00:00 GMT",
    "Thu, 01 Jan 1970 00:00:00 GMT",
    "Fri, 31 Dec 9999 23:59:59 GMT",
    "Tue, 19 Jan 2038 03:14:08 GMT",
    "Thu, 06 Nov 2194 08:49:37 GMT",
    "Sunday, 06-Nov-44 08:49:37 GMT",
    "Wednesday, 06-Nov-30 08:49:37 GMT",
    "1994-11-06T08:49:37Z",
    "784111777",
    "0",
    "\xc4",
    IMF + " " * 1000 + "x",
]

KEYS = {
    "If-Match": "HTTP_IF_MATCH",
    "If-Unmodified-Since": "HTTP_IF_UNMODIFIED_SINCE",
    "If-None-Match": "HTTP_IF_NONE_MATCH",
    "If-Modified-Since": "HTTP_IF_MODIFIED_SINCE",
    "Range": "HTTP_RANGE",
    "If-Range": "HTTP_IF_RANGE",
}
VALUES = {
    "If-Match": TAGS + MORE_TAGS,
    "If-Unmodified-Since": DATES + MORE_DATES,
    "If-None-Match": TAGS + MORE_TAGS,
    "If-Modified-Since": DATES + MORE_DATES,
    "Range": [None, "bytes=0-1", "bytes=-0", "lines=1-2", "bytes=x"],
    "If-Range": [None, '"v1"', 'W/"v1"', '"other"', "v1", IMF, "*"],
}

STATES = [
    State(etag=etag, last_modified=date)
    for etag in (None, Tag(weak=False, opaque="v1"), Tag(weak=True, opaque="v1"))
    for date in (None, THEN - 1, THEN, THEN + 1)
] + [State(exists=False)]
ODD_STATES = [
    State(etag=Tag(weak=False, opaque=opaque), last_modified=THEN)
    for opaque in ("", "*", "a,b", "v1-gzip", "W/", "\xff")
] + [State(exists=False, etag=Tag(weak=False, opaque="v1"), last_modified=THEN)]
