"""Erasure: what is removed from the ledger when an account is deleted; amounts never are."""

from django.contrib.auth.base_user import AbstractBaseUser

from billing.models import Entry


def erase_descriptions(user: AbstractBaseUser) -> None:
    """Blank the descriptions of a user's entries, because they quote prompts. Safe to repeat.

    It is the one change to an entry that the database allows.
    """
    Entry.objects.filter(account_id=user.pk).exclude(description="").update(description="")
