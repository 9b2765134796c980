"""End what somebody who never proved the address of an account may hold on it."""

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.db.models import F

from accounts.auth import api_keys, tokens
from accounts.models import User


def end(user: User) -> None:
    """End every session, API key, passkey, second factor, social link and other address.

    The caller has locked the row. The password stays: the caller knows whose it is.
    """
    User.objects.filter(pk=user.pk).update(session_version=F("session_version") + 1)
    user.refresh_from_db(fields=["session_version"])
    EmailAddress.objects.filter(user=user).exclude(email__iexact=user.email).delete()
    SocialAccount.objects.filter(user=user).delete()
    Authenticator.objects.filter(user=user).delete()
    tokens.sign_out_everywhere(user)
    api_keys.revoke_all(user)
