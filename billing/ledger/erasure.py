"""Erasure: removes personal text from the ledger when an account is deleted; amounts stay."""

from django.contrib.auth.base_user import AbstractBaseUser

from billing.models import Entry, ImportedEntry


def erase_descriptions(user: AbstractBaseUser) -> None:
    """Blank the descriptions of a user's entries, because they quote prompts. Safe to repeat.

    The database allows no other change to an entry. Lines that came from elsewhere go altogether.
    """
    ImportedEntry.objects.filter(user_id=user.pk).delete()
    Entry.objects.filter(account_id=user.pk).exclude(description="").update(description="")
