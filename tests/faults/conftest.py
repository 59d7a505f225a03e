"""These tests need the extension with its named steps of failure: `make test-faults` builds and runs them."""

from notmodified import _core

if not hasattr(_core, "inject_fault"):
    collect_ignore_glob = ["test_*.py"]
