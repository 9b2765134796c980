"""Notifications of a browser: the site's key for them, and on and off."""

from allauth.usersessions.models import UserSession
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse, JsonResponse
from django.views.decorators.http import require_http_methods

from config.lib import rate_limits
from config.lib.web.responses import UserRequest
from videos.push import keys, subscriptions


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def push(request: UserRequest) -> HttpResponse:
    """Send the key that a browser subscribes with, or store what it subscribed to.

    The key is empty where the operator has set none: the open pages notify there. The form has
    `endpoint`, and `p256dh` and `auth` unless notifications are switched off.
    """
    if request.method != "POST":
        return JsonResponse({"key": keys.public_key() if keys.is_enabled() else ""})
    if not keys.is_enabled():
        raise Http404
    endpoint, p256dh, auth = (request.POST.get(name, "") for name in ("endpoint", "p256dh", "auth"))
    if "off" in request.POST:
        subscriptions.unsubscribe(request.user, endpoint)
        return HttpResponse(status=204)
    try:
        rate_limits.use("other", request.user)
        subscriptions.subscribe(request.user, _session_of(request), endpoint, p256dh, auth)
    except subscriptions.UnusableSubscription as refusal:
        return _refused(refusal, 422)
    except rate_limits.TooManyAttempts as refusal:
        return _refused(refusal, 429)
    return HttpResponse(status=204)


def _refused(reason: Exception, status: int) -> HttpResponse:
    return HttpResponse(str(reason), status=status, content_type="text/plain; charset=utf-8")


def _session_of(request: UserRequest) -> UserSession:
    """Return the sign-in of this browser, as the list of sessions shows it."""
    key = request.session.session_key
    if not UserSession.objects.filter(session_key=key).exists():
        UserSession.objects.create_from_request(request)
    session: UserSession = UserSession.objects.get(session_key=key)
    return session
