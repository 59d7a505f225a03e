"""Run a server for exactly as long as somebody holds the other end of our standard input.

    keeper.py SCRATCH_DIRECTORY LISTENING_FD COMMAND...

The pipe closes when its holder closes it, and also when the holder is killed: no server outlives the demo.
A file of its own and not a thread in the demo, because a killed process cleans up after nobody.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading

GRACE = 5.0


def main() -> int:
    """Start the command, end it when standard input ends, and remove the scratch directory."""
    scratch, listener, *command = sys.argv[1:]
    # A session of its own for the server: its workers can be ended together, and Ctrl-C does not reach them.
    server = subprocess.Popen(  # noqa: S603 - the demo's own command line
        command, stdin=subprocess.DEVNULL, pass_fds=[int(listener)], start_new_session=True
    )
    os.close(int(listener))

    def end_with_the_holder() -> None:
        sys.stdin.buffer.read()
        server.terminate()
        try:
            server.wait(GRACE)
        except subprocess.TimeoutExpired:
            os.killpg(server.pid, signal.SIGKILL)

    threading.Thread(target=end_with_the_holder, daemon=True).start()
    status = server.wait()
    shutil.rmtree(scratch, ignore_errors=True)
    return abs(status)


if __name__ == "__main__":
    sys.exit(main())
