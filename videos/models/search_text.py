"""The column in which prompts are searched."""

from typing import Any

from django.db import models

from config.lib import texts


class SearchTextField(models.TextField):
    """The search key of the prompt of the same row; written with the row, never by hand."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"default": "", "editable": False, **kwargs})

    def deconstruct(self) -> Any:
        """Return what migrations see: a text."""
        name, _path, args, kwargs = super().deconstruct()
        return name, "django.db.models.TextField", args, kwargs

    def pre_save(self, model_instance: models.Model, add: bool) -> str:
        key = texts.search_key(getattr(model_instance, "prompt"))  # noqa: B009 - any such model
        setattr(model_instance, self.attname, key)
        return key


def containing(words: str, field: str = "search_text") -> models.Q:
    """Return the condition for rows that contain each of these words, anywhere."""
    wanted = models.Q()
    for word in dict.fromkeys(texts.search_key(words).split()):
        wanted &= models.Q(**{f"{field}__contains": word})
    return wanted
