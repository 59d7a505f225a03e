"""Optimistic locking with Flask and SQLAlchemy: no update is lost, whoever writes at the same time.

pip install flask sqlalchemy gunicorn
gunicorn --workers 4 flask_locking:app     (DATABASE_URL says where the database is)
"""

from __future__ import annotations

import os

from flask import Flask, Response, abort, jsonify, request
from sqlalchemy import create_engine, select, text, update
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from notmodified import NotModified
from notmodified.flask import conditional

engine = create_engine(os.environ.get("DATABASE_URL", "sqlite:///documents.db"))
app = Flask(__name__)
app.wsgi_app = NotModified(app.wsgi_app)  # type: ignore[method-assign]  # Flask's way


class Base(DeclarativeBase):
    pass


class Document(Base):
    __tablename__ = "document"
    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[int] = mapped_column(default=0)
    version: Mapped[int] = mapped_column(default=1)  # each write counts it up: it is the entity-tag


with engine.begin() as connection:
    connection.execute(
        text(
            "CREATE TABLE IF NOT EXISTS document "
            "(name VARCHAR(100) PRIMARY KEY, value INTEGER NOT NULL, version INTEGER NOT NULL)"
        )
    )
engine.dispose()  # no worker gets the master's connection


def version(name: str) -> str | None:
    """Tell the current entity-tag: one small query."""
    with Session(engine) as session:
        found = session.scalar(select(Document.version).where(Document.name == name))
    return None if found is None else f'"{found}"'


@app.get("/documents/<name>")
@conditional(version)
def read(name: str) -> Response:
    with Session(engine) as session:
        document = session.get(Document, name)
        return jsonify(value=document.value) if document else abort(404)


@app.put("/documents/<name>", endpoint="write")
@conditional(version, require=True)
def write(name: str) -> Response:
    value = request.get_json()["value"]
    judged = request.environ["notmodified.validator"]
    with Session(engine) as session, session.begin():
        if judged is None:
            session.add(Document(name=name, value=value, version=1))
            return Response(status=201, headers={"ETag": '"1"'})
        # What was judged stands in the WHERE: another worker may have written since.
        seen = int(judged.etag.opaque)
        changed = session.execute(
            update(Document)
            .where(Document.name == name, Document.version == seen)
            .values(value=value, version=seen + 1)
        )
        if changed.rowcount == 0:
            abort(412)
    return Response(status=204, headers={"ETag": f'"{seen + 1}"'})
