"""The bare prototype (benches/prototype), where it is built and on the path."""

from __future__ import annotations

try:
    from prototype import Prototype, evaluate, tag
except ImportError:  # its sources beside us pass for a namespace package, which has none of these
    Prototype = evaluate = tag = None

BUILT = Prototype is not None
MISSING = "benches/prototype is not built or not on PYTHONPATH: run `make bench`"

__all__ = ["BUILT", "MISSING", "Prototype", "evaluate", "tag"]
