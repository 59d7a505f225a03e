"""Django: what happens inside a transaction waits for its commit, and models invalidate what shows them."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

PROGRAM = '''
import subprocess
import sys
from pathlib import Path

import django
from django.conf import settings

settings.configure(
    INSTALLED_APPS=[],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    NOTMODIFIED={"store": "host", "store_path": "store", "store_size": 2**20, "release": "test"},
    USE_TZ=True,
)
django.setup()

from django.db import connection, models, transaction
from notmodified import NoStoreError, invalidate, on_invalidate
from notmodified.django import invalidates

class Tag(models.Model):
    class Meta:
        app_label = "site"

class Article(models.Model):
    tags = models.ManyToManyField(Tag)
    class Meta:
        app_label = "site"

with connection.schema_editor() as editor:
    editor.create_model(Tag)
    editor.create_model(Article)

def a_server_stores():
    """Answer a request that may be stored in another process."""
    code = f"""if True:
        from notmodified import NotModified
        def site(environ, start_response):
            start_response("200 OK", [("Cache-Control", "max-age=60")])
            return [b"page"]
        environ = {{"REQUEST_METHOD": "GET", "PATH_INFO": "/", "HTTP_HOST": "a.example"}}
        for part in NotModified(site, {settings.NOTMODIFIED})(environ, lambda *_: None):
            pass
    """
    subprocess.run([sys.executable, "-c", code], check=True)

told = []
on_invalidate(lambda names: told.append(sorted([*names.paths, *names.groups])))

def heard():
    names = sorted({name for names in told for name in names})
    told.clear()
    return names

invalidates(Article, groups=lambda article: ["articles", f"article-{article.pk}"], paths=["/front"])
# Objects are saved before a server has stored anything, which is no reason to fail.
article, tag = Article(), Tag()
article.save()
assert heard() == ["/front", "article-1", "articles"]
try:
    invalidate("/asked-for")
except NoStoreError:
    assert heard() == ["/asked-for"]
else:
    raise AssertionError("there is none")
assert not Path("store").exists()
a_server_stores()

# Without an instance of the middleware the store is that of the setting.
invalidate("/now")
assert heard() == ["/now"]
with transaction.atomic():
    invalidate("/later")
    invalidate("/at-once", on_commit=False)
    assert heard() == ["/at-once"]
assert heard() == ["/later"]
try:
    with transaction.atomic():
        invalidate("/never")
        raise ValueError
except ValueError:
    pass
assert heard() == []

tag.save()
assert heard() == []
article.save()
assert heard() == ["/front", "article-1", "articles"]
article.tags.add(tag)
assert heard() == ["/front", "article-1", "articles"]
tag.article_set.remove(article)
assert heard() == ["/front", "article-1", "articles"]
with transaction.atomic():
    article.save()
    assert heard() == []
assert heard() == ["/front", "article-1", "articles"]
Article.objects.update(id=1)  # sends no signal
assert heard() == []
article.delete()
assert heard() == ["/front", "article-1", "articles"]
'''


def test_transactions_and_models(tmp_path):
    program = textwrap.dedent(PROGRAM)
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env=environment,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
