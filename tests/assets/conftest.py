from __future__ import annotations

import pytest

from kit.static_site import FILES, StaticSite, write


@pytest.fixture
def folder(tmp_path):
    for name, content in FILES.items():
        write(tmp_path / "static", name, content)
    return tmp_path / "static"


@pytest.fixture
def static_site(folder):
    return StaticSite(folder)
