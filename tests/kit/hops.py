"""What stands between an application and the world, started for a test."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kit.ports import free_port
from kit.proxies import fill_in, launch
from kit.replica import wait_for
from kit.servers import RunningServer, ServerKind
from kit.tools import require

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path


@dataclass
class Hops:
    """A running program; the URL of each of its roles."""

    server: RunningServer
    urls: dict[str, str]

    def log(self, name: str = "access.log") -> str:
        return self.server.log(name)

    def stop(self) -> None:
        self.server.stop()


def of_nginx(template: Path, folder: Path, roles: Iterable[str], places: Mapping[str, str]) -> Hops:
    """Start an nginx by a template, which names a port for each role."""
    ports = {role: free_port() for role in roles}
    addresses = {role: f"127.0.0.1:{port}" for role, port in ports.items()}
    configuration = fill_in(template, "nginx", folder, {**places, **addresses})
    path = require("nginx")
    arguments = ("-p", str(folder), "-c", str(configuration), "-e", str(folder / "error.log"))
    return _waited_for(launch(folder, path, *arguments), folder, ports)


def of_apache(template: Path, folder: Path, roles: Iterable[str], places: Mapping[str, str]) -> Hops:
    """Start an Apache, likewise."""
    ports = {role: free_port() for role in roles}
    addresses = {role: f"127.0.0.1:{port}" for role, port in ports.items()}
    configuration = fill_in(template, "apache2", folder, {**places, **addresses})
    return _waited_for(
        launch(folder, require("apache2"), "-DFOREGROUND", "-f", str(configuration)), folder, ports
    )


def of_program(folder: Path, port: int, *command: str) -> Hops:
    """Start a program that listens at a port."""
    return _waited_for(launch(folder, *command), folder, {"": port})


def _waited_for(process: subprocess.Popen[bytes], folder: Path, ports: Mapping[str, int]) -> Hops:
    servers = [
        RunningServer(ServerKind(role), ("127.0.0.1", port), process, folder) for role, port in ports.items()
    ]
    try:
        for server in servers:
            wait_for(server.address, server)
    except BaseException:
        servers[0].stop()
        raise
    return Hops(servers[0], {role: f"http://127.0.0.1:{port}" for role, port in ports.items()})


def certificates(folder: Path) -> Path:
    """Write the certificate of an authority, and `server.pem` that it signed; return the first."""
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2")
    name = ("-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE")
    signs = ("-addext", "keyUsage=critical,keyCertSign")  # Python asks for it since 3.13
    for arguments in (
        ("-subj", "/CN=Tests", "-keyout", "authority.key", "-out", "authority.pem", *signs),
        (
            *("-subj", "/CN=127.0.0.1", "-keyout", "server.key", "-out", "server.pem", *name),
            *("-CA", "authority.pem", "-CAkey", "authority.key"),
        ),
    ):
        command = (require("openssl"), "req", "-x509", *curve, *arguments)
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return folder / "authority.pem"
