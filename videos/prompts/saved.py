"""The prompts that a user saved, and those used lately."""

import hashlib

from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from config.lib import clock
from videos import feed
from videos.catalog import offers
from videos.models import SavedPrompt, Video

MOST_SAVED = 200
PROMPT_MAX = offers.PROMPT_MAX
MOST_RECENT = 20
# How many of the newest videos are read for their prompts: takes and retries repeat them.
LATEST_VIDEOS = 100


class TooManySaved(Exception):
    """The user keeps MOST_SAVED prompts already; nothing was saved."""


def saved_prompts(user: AbstractBaseUser) -> QuerySet[SavedPrompt]:
    """Return the user's saved prompts, the newest first; at most MOST_SAVED."""
    return SavedPrompt.objects.filter(user_id=user.pk)


def recent_prompts(user: AbstractBaseUser) -> list[str]:
    """Return the prompts of the user's newest videos, each once, the newest first."""
    rows = Video.objects.of(user).newest().values_list("prompt", flat=True)
    return list(dict.fromkeys(rows[:LATEST_VIDEOS]))[:MOST_RECENT]


def save(user: AbstractBaseUser, text: str) -> SavedPrompt:
    """Keep a prompt; one that is kept already is returned. Raises TooManySaved."""
    digest = hashlib.sha256(text.encode()).hexdigest()
    # One user's prompts are counted and saved one after the other.
    with feed.lock(user.pk):
        mine = saved_prompts(user)
        if kept := mine.filter(digest=digest).first():
            return kept
        if mine.count() >= MOST_SAVED:
            raise TooManySaved(
                _("You keep %(n)d prompts, which is the most. Delete one first.")
                % {"n": MOST_SAVED}
            )
        return SavedPrompt.objects.create(
            user_id=user.pk, text=text, digest=digest, created_at=clock.now()
        )


def delete(user: AbstractBaseUser, prompt_id: int) -> bool:
    """Delete one of the user's saved prompts; False when there is none with this id."""
    deleted, _rows = saved_prompts(user).filter(pk=prompt_id).delete()
    return bool(deleted)
