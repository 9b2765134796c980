"""What views of every app share: the signed-in user, redirects, stored files."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.utils.http import url_has_allowed_host_and_scheme
from rest_framework.request import Request

if TYPE_CHECKING:
    # The type checker resolves this name to AUTH_USER_MODEL, which this layer may not import.
    from django.contrib.auth.models import _User


class UserRequest(HttpRequest):
    """A request of a signed-in user, for views behind `login_required`."""

    user: "_User"


def user_of(request: HttpRequest | Request) -> "_User":
    """Return the user of a request that only signed-in users can make."""
    return cast("_User", request.user)


def see_other(to: str, *args: object) -> HttpResponseRedirect:
    """Redirect with status 303 to a URL or to the URL of a named view with these arguments."""
    response = HttpResponseRedirect(resolve_url(to, *args))
    response.status_code = 303
    return response


def redirect_back(request: HttpRequest, default: str, *args: object) -> HttpResponse:
    """Redirect to the page named in the form's `next` when it is ours, else to the default view.

    A form sent by a script that keeps its page carries `quiet`; it gets an empty 204 answer.
    """
    if "quiet" in request.POST:
        return HttpResponse(status=204)
    wanted = request.POST.get("next", "")
    ours = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, request.is_secure())
    return see_other(wanted if ours else resolve_url(default, *args))


@contextmanager
def file_or_404() -> Iterator[None]:
    """Raise Http404 when the stored file that is read inside does not exist."""
    try:
        yield
    except (FileNotFoundError, IsADirectoryError) as error:
        raise Http404 from error
