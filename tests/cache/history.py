"""Random histories of reads, writes, races and invalidations, on a real store, against a plain model.

The model is a dict: what was stored for a page last, if nothing has invalidated the page since the request
for it began. A remembered 304 has to be exactly what the model has.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from kit.in_process import Server, environ_of
from kit.stores import let_stores_go
from notmodified import EntityTag, NotModified, invalidate

FEW = settings(max_examples=60, stateful_step_count=30, deadline=None)
PAGES = st.sampled_from(["/a", "/b", "/c"])
GROUPS = {"/a": "one", "/b": "one", "/c": "two"}
WAYS = st.sampled_from(["path", "url", "group", "everything"])


def content(page, version):
    return f"{page} {version}".encode()


class History(RuleBasedStateMachine):
    """The site, and what the model knows of it."""

    store = "process"

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="notmodified-"))
        self.config = {"release": "test", "store": self.store, "store_size": 2**20}
        if self.store == "host":
            self.config["store_path"] = str(self.folder / "store")
        self.application = self.wrap(self.app)
        self.versions = dict.fromkeys(GROUPS, 0)
        self.stored: dict[str, int] = {}
        self.meanwhile = None

    def teardown(self) -> None:
        del self.application
        let_stores_go()
        shutil.rmtree(self.folder)

    def wrap(self, app):
        return NotModified(app, self.config)

    def app(self, environ, start_response):
        page = environ["PATH_INFO"]
        body = content(page, self.versions[page])
        if environ["REQUEST_METHOD"] == "PUT":
            self.versions[page] += 1
            body = b""
        elif self.meanwhile is not None:
            meanwhile, self.meanwhile = self.meanwhile, None
            meanwhile()
        fields = [("Cache-Control", "no-cache"), ("Notmodified-Cache-Control", "max-age=3600")]
        start_response("200 OK", [*fields, ("Cache-Groups", f'"{GROUPS[page]}"')])
        return [body]

    def ask(self, method, page, *fields):
        environ = environ_of(method, page, [("Host", "a.example"), *fields], b"" if method == "PUT" else None)
        server = Server(environ)
        server.run(self.application)
        return environ["notmodified.result"]

    def change(self, page, way):
        """Change a page from elsewhere and say so."""
        self.versions[page] += 1
        what = {
            "path": {"target": page},
            "url": {"target": f"http://a.example{page}"},
            "group": {"groups": [GROUPS[page]]},
            "everything": {"everything": True},
        }[way]
        invalidate(**what)
        for other in list(self.stored):
            if way == "everything" or other == page or (way == "group" and GROUPS[other] == GROUPS[page]):
                del self.stored[other]

    @rule(page=PAGES)
    def read(self, page):
        self.ask("GET", page)
        self.stored[page] = self.versions[page]

    @rule(page=PAGES, back=st.integers(0, 2))
    def revalidate(self, page, back):
        held = self.versions[page] - back
        word = self.ask("GET", page, ("If-None-Match", str(EntityTag.of(content(page, held)))))
        expected = self.stored.get(page) == held
        assert (word == "remembered") is expected, f"{page} {held}: {word}, the model has {self.stored}"
        if not expected:
            self.stored[page] = self.versions[page]

    @rule(page=PAGES)
    def write(self, page):
        self.ask("PUT", page)
        self.stored.pop(page, None)

    @rule(page=PAGES, way=WAYS)
    def change_elsewhere(self, page, way):
        self.change(page, way)

    @rule(page=PAGES, other=PAGES, way=WAYS)
    def change_while_it_is_read(self, page, other, way):
        """The request has begun and the page is rendered from the old state: it must not be stored."""
        before = self.versions[page]
        hit = way == "everything" or other == page or (way == "group" and GROUPS[other] == GROUPS[page])
        self.meanwhile = lambda: self.change(other, way)
        self.ask("GET", page)
        if not hit:
            self.stored[page] = before

    @rule(page=PAGES)
    def change_without_a_word(self, page):
        """Nobody invalidates: what is stored is confirmed until it is stale, as promised."""
        self.versions[page] += 1
