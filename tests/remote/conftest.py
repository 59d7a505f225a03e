"""What tests of a store on a server start from: either server, and clients that a configuration can name."""

from __future__ import annotations

import functools
import importlib
import sys
import types

import pytest

from kit.redis_server import KINDS, RedisServer


@pytest.fixture(scope="session", params=KINDS)
def kind(request):
    """Return which server: a test is run with each."""
    return request.param


@pytest.fixture(scope="session")
def start_server(kind):
    return functools.partial(RedisServer, kind=kind)


@pytest.fixture
def library(kind):
    """Return the client library that the server's own project has."""
    return importlib.import_module(kind)


@pytest.fixture
def own(start_server, tmp_path):
    """Return a server that the test may harm."""
    with start_server(tmp_path / "own") as server:
        yield server


@pytest.fixture
def named(monkeypatch):
    """Put a client where a configuration can name it."""

    def name(client):
        module = types.ModuleType("site_caching")
        module.client = client
        monkeypatch.setitem(sys.modules, "site_caching", module)
        return "site_caching:client"

    return name
