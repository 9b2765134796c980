"""The developer page of the quick start."""

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from config.lib.web.responses import UserRequest
from videos.catalog import offers


@login_required
@require_safe
def quick_start(request: UserRequest) -> HttpResponse:
    """Show the calls from an API key to a finished file, ready to paste."""
    context = {"at": "developers", "tab": "start", "model": offers.default_word()}
    return render(request, "developers/start.html", context)
