"""How a library shows its videos: large or small pictures, or a list."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse

# Large pictures, small ones, a list.
VIEWS = ("grid", "small", "list")
COOKIE = "library_view"
YEAR = 365 * 24 * 3600


def view_of(request: HttpRequest) -> str:
    """Return the view that the address asks for, else the one chosen last; by default "grid"."""
    asked = request.GET.get("view", "")
    chosen = asked if asked in VIEWS else request.COOKIES.get(COOKIE, "")
    return chosen if chosen in VIEWS else VIEWS[0]


def remember(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Keep the view that the address asks for, in a cookie of this browser."""
    asked = request.GET.get("view", "")
    if asked in VIEWS:
        response.set_cookie(
            COOKIE, asked, max_age=YEAR, samesite="Lax", secure=settings.PRODUCTION, httponly=True
        )
    return response
