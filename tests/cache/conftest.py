"""A site whose store is a file of the test's own."""

from __future__ import annotations

import pytest

from cache.site import OURS, Site


@pytest.fixture
def settings(tmp_path):
    return {"store": "host", "store_path": str(tmp_path / "store"), "store_size": 2**20, "release": "test"}


@pytest.fixture
def site(settings):
    site = Site(OURS, **settings)
    assert site.remembers()
    return site
