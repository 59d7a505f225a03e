"""Flask's face of notmodified: an extension that puts the WSGI middleware around an app.

    app.config["NOTMODIFIED"] = {"policy": [...]}  # may be left out
    NotModified(app)

Its configuration has the keys of notmodified.toml, or is the path of such a file. `conditional` judges a
view's preconditions before the view acts; `cache_policy` gives its responses a policy of their own.
"""

from notmodified.flask.cache_policy import cache_policy
from notmodified.flask.conditional import conditional
from notmodified.flask.extension import NotModified

__all__ = ["NotModified", "cache_policy", "conditional"]
