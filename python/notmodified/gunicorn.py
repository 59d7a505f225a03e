"""Gunicorn settings worth having beside `NotModified`: an access log that can tell what caching did.

Use it as it is, or take the format into a configuration of your own:

    gunicorn -c python:notmodified.gunicorn "notmodified:wrap('mysite.wsgi')"

    # gunicorn.conf.py
    from notmodified.gunicorn import access_log_format
    accesslog = "-"

The line is the combined format, which every log tool reads, followed by `name="value"` pairs. Three choices
are deliberate: request validators come from the environ (`{http_if_none_match}e` holds all repeated fields,
joined; `{if-none-match}i` only the last of them), the length comes from Content-Length (`%(b)s` is 0 for each
response that Gunicorn hands to sendfile), and the result word is what `NotModified` left in the environ.
"""

accesslog = "-"

access_log_format = (
    '%(h)s %(l)s %(u)s %(t)s "%(r)s" %(s)s %(b)s "%(f)s" "%(a)s"'
    ' if_none_match="%({http_if_none_match}e)s"'
    ' if_modified_since="%({http_if_modified_since}e)s"'
    ' if_match="%({http_if_match}e)s"'
    ' if_unmodified_since="%({http_if_unmodified_since}e)s"'
    ' etag="%({etag}o)s"'
    ' last_modified="%({last-modified}o)s"'
    ' cache_control="%({cache-control}o)s"'
    " content_length=%({content-length}o)s"
    " result=%({notmodified.result}e)s"
    " us=%(D)s"
)
