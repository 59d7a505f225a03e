"""The validator cache on Redis and Valkey as they are deployed: TLS, least rights, Sentinels, a Cluster."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest
import redis

from cache.site import FRESH, Site
from kit.ports import free_port
from kit.redis_server import wait_until
from kit.tools import require
from notmodified import StoreError, invalidate

DOCS = Path(__file__).parents[2] / "docs" / "redis.md"
(LINE,) = [line for line in DOCS.read_text().splitlines() if line.startswith("ACL SETUSER")]
RIGHTS = LINE.partition(">SECRET ")[2].split()


def site(store, **options):
    return Site(FRESH, store=store, release="1", **options)


def works(page, store):
    """See that it remembers and forgets, and return a tag."""
    assert page.remembers()
    tag = page.tag
    invalidate("/page", config={"store": store})
    assert page.again(tag=tag).reason == "not-modified"
    assert page.again(tag=tag).reason == "remembered"
    assert page.application.stats()["cache_store_errors"] == 0
    return tag


def certificates(folder):
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(
        [
            *(
                require("openssl"),
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:prime256v1",
            ),
            *("-nodes", "-keyout", "key", "-out", "cert", "-days", "2", *subject),
        ],
        cwd=folder,
        check=True,
        capture_output=True,
    )
    return folder / "cert", folder / "key"


def test_over_tls_if_the_certificate_is_right(kind, start_server, tmp_path):
    cert, key = certificates(tmp_path)
    port = free_port()
    tls = ["--tls-port", str(port), "--tls-cert-file", str(cert), "--tls-key-file", str(key)]
    with start_server(tmp_path / "server", *tls, "--tls-auth-clients", "no"):
        url = f"{kind}s://127.0.0.1:{port}/0"
        store = f"{url}?ssl_ca_certs={cert}"
        works(site(store), store)
        other = site(url)
        assert other.ask().status == 200
        with pytest.raises(StoreError, match="CERTIFICATE_VERIFY_FAILED"):
            invalidate("/page", config={"store": url, "store_timeout": 1})


def test_with_the_least_rights(own):
    own.command("ACL", "SETUSER", "cache", "on", ">secret", *RIGHTS)
    store = f"{own.kind}://cache:secret@127.0.0.1:{own.port}/0"
    page = site(store)
    works(page, store)
    page.says.fields = [("Cache-Control", "public, max-age=1, stale-while-revalidate=60")]
    tag = page.ask(target="/lease")["ETag"]
    time.sleep(1.1)
    page.again(tag=tag, target="/lease")
    assert page.again(tag=tag, target="/lease").reason == "remembered"
    assert page.application.stats()["cache_store_errors"] == 0
    # And nothing else: other keys, other commands.
    with redis.Redis(port=own.port, username="cache", password="secret") as client:
        for command in (("GET", "other"), ("KEYS", "*"), ("CONFIG", "GET", "*"), ("FLUSHALL",)):
            with pytest.raises(redis.exceptions.NoPermissionError):
                client.execute_command(*command)
    # Each of them is needed: DEL where there is no memory, EVALSHA to spare sending the scripts.
    for right in RIGHTS:
        if right.startswith("+") and right not in {"+del", "+evalsha"}:
            lesser = [other for other in RIGHTS if other != right]
            own.command("ACL", "SETUSER", "cache", "reset", "on", ">secret", *lesser)
            own.command("SCRIPT", "FLUSH")
            other = site(f"{store}?client_name={right[1:]}")
            other.remembers()
            assert other.application.stats()["cache_store_errors"] > 0, right


def test_sentinels_fail_over_and_what_was_stored_before_is_gone(start_server, library, tmp_path, named):
    first = start_server(tmp_path / "first")
    second = start_server(tmp_path / "second", "--replicaof", f"127.0.0.1 {first.port}")
    sentinels = []
    try:
        wait_until(lambda: second.command("INFO", "replication")["master_link_status"] == "up")
        for number in range(3):
            folder = tmp_path / f"sentinel-{number}"
            folder.mkdir()
            port = free_port()
            (folder / "conf").write_text(
                f"port {port}\nbind 127.0.0.1\n"
                f"sentinel monitor site 127.0.0.1 {first.port} 2\n"
                "sentinel down-after-milliseconds site 500\n"
                "sentinel failover-timeout site 3000\n"
            )
            with (folder / "output").open("wb") as output:
                command = [first.program, "conf", "--sentinel"]
                process = subprocess.Popen(command, cwd=folder, stdout=output, stderr=output)
            sentinels.append((port, process))
        asked = library.sentinel.Sentinel([("127.0.0.1", port) for port, _ in sentinels], socket_timeout=0.5)
        wait_until(lambda: asked.discover_master("site") == ("127.0.0.1", first.port))
        others = redis.Redis(port=sentinels[0][0])
        # Until they know each other and the replica, they can't agree.
        wait_until(lambda: len(others.execute_command("SENTINEL", "SENTINELS", "site")) == 2)
        wait_until(lambda: asked.discover_slaves("site"))
        others.close()
        client = asked.master_for(
            "site",
            socket_timeout=0.25,
            socket_connect_timeout=0.25,
            retry=library.retry.Retry(library.backoff.NoBackoff(), 0),
        )
        store = named(client)
        page = site(store)
        tag = works(page, store)
        first.kill()
        assert page.again(tag=tag).reason == "not-modified"
        wait_until(lambda: asked.discover_master("site") == ("127.0.0.1", second.port))
        wait_until(lambda: invalidated("/other", store))
        # What the replica has of the time before is of another run.
        assert second.command("EXISTS", "{notmodified}:1:state")
        misses = page.application.stats()["cache_missed_nothing"]
        deadline = time.monotonic() + 15
        while page.again(tag=tag).reason != "remembered":
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert page.application.stats()["cache_missed_nothing"] == misses + 1
        assert page.application.stats()["cache_reattached"] == 1
        client.close()
    finally:
        for _, process in sentinels:
            process.kill()
            process.wait()
        second.close()
        first.close()


def invalidated(path, store):
    try:
        invalidate(path, config={"store": store})
    except StoreError:
        return False
    return True


def test_a_plain_client_does_not_read_what_a_replica_has(start_server, tmp_path):
    with start_server(tmp_path / "first") as first:
        replicaof = ["--replicaof", f"127.0.0.1 {first.port}"]
        with start_server(tmp_path / "second", *replicaof) as second:
            wait_until(lambda: second.command("INFO", "replication")["master_link_status"] == "up")
            page = site(first.socket_url)
            tag = works(page, first.socket_url)
            other = site(second.socket_url)
            assert other.again(tag=tag).reason == "not-modified"
            with pytest.raises(StoreError, match="primary only"):
                invalidate("/page", config={"store": second.socket_url})


def test_in_a_cluster_of_three_nodes(kind, start_server, library, tmp_path, named):
    nodes = [start_server(tmp_path / f"node-{number}", "--cluster-enabled", "yes") for number in range(3)]
    try:
        addresses = [f"127.0.0.1:{node.port}" for node in nodes]
        made = [require(f"{kind}-cli"), "--cluster", "create", *addresses, "--cluster-yes"]
        subprocess.run(made, check=True, capture_output=True)
        wait_until(lambda: all("cluster_state:ok" in str(node.command("CLUSTER", "INFO")) for node in nodes))
        cluster = getattr(library, f"{kind.title()}Cluster")
        client = cluster("127.0.0.1", nodes[0].port, socket_timeout=1)
        store = named(client)
        page = site(store)
        works(page, store)
        # All of it is on one node.
        sizes = [node.command("DBSIZE") for node in nodes]
        assert sorted(bool(size) for size in sizes) == [False, False, True], sizes
        # A client that knows of no Cluster is told so.
        (elsewhere, *_) = [node for node, size in zip(nodes, sizes, strict=True) if not size]
        with pytest.raises(StoreError, match=r"MovedError|MOVED"):
            invalidate("/page", config={"store": elsewhere.url, "store_timeout": 1})
        client.close()
    finally:
        for node in nodes:
            node.close()
