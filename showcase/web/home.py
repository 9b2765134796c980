"""The start page."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from billing.payments import packages
from config.lib import texts
from config.lib.web.responses import see_other
from showcase import faq, presenters
from showcase.web.clips import public_clips
from videos.catalog import offers, prices


@require_http_methods(["GET", "HEAD", "POST"])
def home(request: HttpRequest) -> HttpResponse:
    """Show the start page; keep the prompt a visitor wrote and lead to signing up."""
    if request.user.is_authenticated:
        return redirect("studio")
    if request.method == "POST":
        prompt = texts.use_plain_line_breaks(request.POST.get("prompt", "").strip())
        request.session["draft"] = {"prompt": prompt[: offers.PROMPT_MAX]}
        return see_other("account_signup")
    price = prices.price_of_default()
    context = {
        "price": price,
        "free_videos": settings.WELCOME_CREDITS // price if price else 0,
        "cards": presenters.wall(public_clips()[: presenters.WALL]),
        "packages": packages.on_sale().values(),
        "featured": packages.FEATURED,
        "topics": faq.topics()[1:6],
    }
    return render(request, "home.html", context)
