"""The button that ends viewing as a user."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from accounts.people import viewing


@require_POST
def stop(request: HttpRequest) -> HttpResponse:
    """Stop viewing as a user, and return to the user's staff page."""
    user = viewing.end(request.session, request.user)
    if user is None:
        return redirect("home")
    return redirect("admin:accounts_user_change", user.pk)
