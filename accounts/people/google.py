"""Sign-in with Google by API: exchange the authorization code that a client sent us."""

import requests
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from django.conf import settings
from django.http import HttpRequest

from accounts.auth import allauth_internals, errors
from accounts.people.identities import Identity, parse_identity

PROVIDER = "google"


class Unreachable(Exception):
    """Google did not answer, or its answer could not be read."""


def exchange_code(
    request: HttpRequest, code: str, redirect_uri: str, verifier: str = ""
) -> Identity:
    """Exchange an authorization code for the identity it stands for; this uses up the code.

    Raises BadCredentials, also for a redirect_uri that is not on the list, or Unreachable. The
    errors do not repeat what Google answered.
    """
    if redirect_uri not in settings.GOOGLE_REDIRECT_URIS:
        raise errors.BadCredentials("Invalid authorization code")
    try:
        account = allauth_internals.fetch_google_account(request, code, redirect_uri, verifier)
        return parse_identity(PROVIDER, "Google", str(account.uid), dict(account.extra_data))
    except OAuth2Error as error:
        raise errors.BadCredentials("Invalid authorization code") from error
    except (requests.RequestException, ValueError, TypeError, KeyError) as error:
        raise Unreachable("Authentication failed") from error
