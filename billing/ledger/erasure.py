"""What the books forget of a person who has left: the words, never a number."""

from django.contrib.auth.base_user import AbstractBaseUser

from billing.models import Entry


def forget_words(user: AbstractBaseUser) -> None:
    """Blank the descriptions in a user's history; they quote prompts. Safe to repeat.

    The one change to an entry that the database allows.
    """
    Entry.objects.filter(account_id=user.pk).exclude(description="").update(description="")
