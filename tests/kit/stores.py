"""The stores of this process, which a test must leave none of."""

from __future__ import annotations

import gc

from notmodified._core import has_stores


def let_stores_go() -> None:
    """Collect what keeps a store that nobody uses any more.

    What keeps it unseen may itself be garbage first: with CPython 3.10 an exception of asgiref's has the
    frames that it went through, and so our start_response, which the collector does not look into.
    """
    for _ in range(2):
        if has_stores():
            gc.collect()
