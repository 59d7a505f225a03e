"""Where the extension may be imported."""

from __future__ import annotations

import subprocess
import sys

IN_A_SUBINTERPRETER = """
import sys
name = "_interpreters" if sys.version_info >= (3, 13) else "_xxsubinterpreters"
interpreters = __import__(name)
other = interpreters.create()
code = '''
import sys
sys.path[:] = {path!r}
try:
    import notmodified
except ImportError as error:
    print(error, flush=True)
'''
code = code.format(path=sys.path)
(interpreters.exec if sys.version_info >= (3, 13) else interpreters.run_string)(other, code)
"""


def test_a_subinterpreter_is_refused_with_what_to_do():
    """PyO3 keeps strings and classes for the whole process; mod_wsgi may start several interpreters."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", IN_A_SUBINTERPRETER],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "subinterpreter" in done.stdout
    if sys.version_info < (3, 12):  # Later ones refuse before the module has a say.
        assert "WSGIApplicationGroup %{GLOBAL}" in done.stdout
