"""Private and undocumented parts of django-allauth that Firstlight depends on.

No other module of ours uses them, and a test fails when allauth changes one.

- `allauth.core.internal.ratelimit` and `DefaultAccountAdapter._get_login_attempts_cache_key`:
  allauth refuses a sign-in after too many wrong passwords, but does not say for how long.
- The steps of `GoogleOAuth2Adapter`: allauth exchanges an authorization code in its own callback
  page only, and our API receives the code from its client.
- `Authenticator.wrap().validate_code`: allauth checks a code in its own pages only.
"""

import time
from math import ceil

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.internal import ratelimit
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from allauth.socialaccount.providers.google.views import GoogleOAuth2Adapter
from django.core.cache import cache
from django.http import HttpRequest

LOGIN_FAILED = {"app": "allauth.account", "action": "login_failed"}


def seconds_until_login(
    adapter: DefaultAccountAdapter, request: HttpRequest, **credentials: object
) -> int:
    """Return after how many seconds the oldest failure that counts expires, at least 1."""
    key = adapter._get_login_attempts_cache_key(request, **credentials)
    left = 1.0
    for rate in ratelimit.get_rates(**LOGIN_FAILED):
        name = ratelimit.get_cache_key(request, **LOGIN_FAILED, rate=rate, key=key)
        times = cache.get(name, [])  # newest first
        if len(times) >= rate.amount:
            left = max(left, times[rate.amount - 1] + rate.duration - time.time())
    return ceil(left)


def fetch_google_account(
    request: HttpRequest, code: str, redirect_uri: str, verifier: str
) -> SocialAccount:
    """Exchange an authorization code at Google and return the unsaved account it stands for.

    Raises OAuth2Error when Google refuses the code, requests.RequestException when it does not
    answer, and ValueError, TypeError or KeyError when its answer is not as documented.
    """
    adapter = GoogleOAuth2Adapter(request)
    app = adapter.get_provider().app
    client = adapter.get_client(request, app)
    client.callback_url = redirect_uri
    answer = client.get_access_token(code, pkce_code_verifier=verifier or None)
    # The id token came from Google itself, so allauth need not check its signature.
    adapter.did_fetch_access_token = True
    login = adapter.complete_login(request, app, adapter.parse_token(answer), response=answer)
    account: SocialAccount = login.account
    return account


def is_code_valid(authenticator: Authenticator, code: str) -> bool:
    """Return whether a code of a second factor is right, and use it up."""
    return bool(authenticator.wrap().validate_code(code))
