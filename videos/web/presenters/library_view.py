"""How a library shows its videos: large or small pictures, or a list."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse

# The class of the cards in each; "" is that of large pictures.
VIEWS = {"grid": "", "small": "card-grid--small", "list": "card-grid--list"}
COOKIE = "library_view"
YEAR = 365 * 24 * 3600


def view_of(request: HttpRequest) -> str:
    """Return the class of the view that the address asks for, else of the one chosen last."""
    asked = request.GET.get("view", "")
    chosen = asked if asked in VIEWS else request.COOKIES.get(COOKIE, "")
    return VIEWS.get(chosen, "")


def remember(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Keep the view that the address asks for, in a cookie of this browser."""
    asked = request.GET.get("view", "")
    if asked in VIEWS:
        response.set_cookie(
            COOKIE, asked, max_age=YEAR, samesite="Lax", secure=settings.PRODUCTION, httponly=True
        )
    return response
