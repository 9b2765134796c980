"""The column in which prompts and titles are searched."""

from typing import Any

from django.db import models

from config.lib import texts


class SearchTextField(models.TextField):
    """The search key of the prompt and the title of the same row; written with the row."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"default": "", "editable": False, **kwargs})

    def deconstruct(self) -> Any:
        """Return what migrations see: a text."""
        name, _path, args, kwargs = super().deconstruct()
        return name, "django.db.models.TextField", args, kwargs

    def pre_save(self, model_instance: models.Model, add: bool) -> str:
        title = getattr(model_instance, "title", None)
        key = search_text(getattr(model_instance, "prompt"), title)  # noqa: B009 - any such model
        setattr(model_instance, self.attname, key)
        return key


def search_text(prompt: str, title: str | None = None) -> str:
    """Return what the column stores for this prompt and this title of its own, if any."""
    return texts.search_key(f"{prompt}\n{title}" if title else prompt)


def containing(words: str, field: str = "search_text") -> models.Q:
    """Return the condition for rows that contain each of these words, anywhere."""
    wanted = models.Q()
    for word in dict.fromkeys(texts.search_key(words).split()):
        wanted &= models.Q(**{f"{field}__contains": word})
    return wanted
