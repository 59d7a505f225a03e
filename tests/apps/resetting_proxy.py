"""A proxy that has had enough after a 304: `python -m apps.resetting_proxy PORT ORIGIN_PORT`.

The next request over a connection that carried one gets a reset. No program of Debian's can be told to do so.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import sys
import threading

NOT_MODIFIED = b" 304 "


def relay(client: socket.socket, origin_port: int) -> None:
    """Pass requests without content on, one connection each, until one comes after a 304."""
    was_304 = False
    with client, contextlib.suppress(OSError):
        while head := read_head(client):
            if was_304:
                # Closing without lingering is a reset.
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return
            with socket.create_connection(("127.0.0.1", origin_port)) as origin:
                origin.sendall(head.replace(b"\r\n", b"\r\nConnection: close\r\n", 1))
                answer = b"".join(iter(lambda: origin.recv(65536), b""))
            # What the origin says of its own connection is not for the client.
            fields, _, content = answer.partition(b"\r\n\r\n")
            lines = [line for line in fields.split(b"\r\n") if not line.lower().startswith(b"connection:")]
            client.sendall(b"\r\n".join(lines) + b"\r\n\r\n" + content)
            was_304 = NOT_MODIFIED in lines[0]


def read_head(client: socket.socket) -> bytes:
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        octets = client.recv(65536)
        if not octets:
            return b""
        head += octets
    return head


def main() -> None:
    port, origin_port = (int(argument) for argument in sys.argv[1:])
    listener = socket.create_server(("127.0.0.1", port))
    while True:
        client, _ = listener.accept()
        threading.Thread(target=relay, args=(client, origin_port), daemon=True).start()


if __name__ == "__main__":
    main()
