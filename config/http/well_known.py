"""Addresses that browsers, crawlers and password managers try on every site."""

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.templatetags.static import static
from django.views.decorators.http import require_safe

# What crawlers need not read; all of it needs a sign-in or is for programs.
ROBOTS = """\
User-agent: *
Disallow: /accounts/
Disallow: /admin/
Disallow: /api/
Disallow: /v1/
"""
ICONS = ("favicon.ico", "apple-touch-icon.png")


@require_safe
def robots(request: HttpRequest) -> HttpResponse:
    return HttpResponse(ROBOTS, content_type="text/plain; charset=utf-8")


@require_safe
def icon(request: HttpRequest, name: str) -> HttpResponse:
    """Lead to one of ICONS: browsers ask for them at the root, also beside files."""
    return HttpResponseRedirect(static(f"img/{name}"))


@require_safe
def change_password(request: HttpRequest) -> HttpResponse:
    """Lead to the page on which a password manager lets its user change the password."""
    return redirect("account_change_password")
