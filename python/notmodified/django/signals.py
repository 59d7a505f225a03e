"""Tie models to what the validator cache has stored: a saved or deleted object invalidates what shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db.models import Model  # noqa: TC002 - stubtest looks for it at run time
from django.db.models.signals import m2m_changed, post_delete, post_save

from notmodified.invalidation import invalidate_as_saved

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


def invalidates(
    *models: type[Model],
    groups: Iterable[str] | Callable[[Any], Iterable[str]] = (),
    paths: Iterable[str] | Callable[[Any], Iterable[str]] = (),
) -> None:
    """Have each object of these models invalidate groups (RFC 9875) and paths when it is saved or deleted.

    `groups` and `paths` are names, or a function that makes them of the object:

        invalidates(Article, groups=lambda article: ["articles", f"article-{article.pk}"])

    Call it where the models are loaded, in `AppConfig.ready()`. It listens to `post_save`, `post_delete` and,
    for the fields of these models, `m2m_changed`; inside a transaction it waits for the commit.

    **What sends no signal is not heard**: `QuerySet.update()`, `bulk_create()`, `bulk_update()`, raw SQL,
    what another program writes, what the database itself cascades, and `clear()` of a relation from its other
    side. Nor are names known that the object had before it was changed. Call `notmodified.invalidate()`
    after those.

    An exception of `invalidate()` (the store can't be reached) comes out of `save()` and `delete()`, or out
    of the commit. That no store is there yet (NoStoreError) is only logged: objects are saved before a
    server has stored anything.
    """

    def changed(sender: object, instance: Any, **kwargs: Any) -> None:  # noqa: ARG001 - Django's name
        if isinstance(instance, models):
            mine = [instance]
        else:  # A relation that is changed from its other side names ours by their keys.
            mine = kwargs["model"]._default_manager.filter(pk__in=kwargs["pk_set"] or ())  # noqa: SLF001
        for one in mine:
            _invalidate(_names(groups, one), _names(paths, one))

    for model in models:
        post_save.connect(changed, sender=model, weak=False)
        post_delete.connect(changed, sender=model, weak=False)
        for field in model._meta.many_to_many:  # noqa: SLF001 - documented by Django under this name
            through = field.remote_field.through
            m2m_changed.connect(changed, sender=through, weak=False)


def _names(names: Iterable[str] | Callable[[Any], Iterable[str]], instance: object) -> list[str]:
    return list(names(instance) if callable(names) else names)


def _invalidate(groups: list[str], paths: list[str]) -> None:
    if groups:
        invalidate_as_saved(groups=groups)
    for path in paths:
        invalidate_as_saved(path)
