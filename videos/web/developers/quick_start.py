"""/developers/: programs that make a video, ready to paste, and a form that sends single calls."""

from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.safestring import mark_safe
from django.views.decorators.http import require_safe

from config.lib.web.responses import UserRequest
from videos.catalog import offers, prices

SNIPPETS = ("curl", "python", "openai_js", "fetch_js")


@login_required
@require_safe
def quick_start(request: UserRequest) -> HttpResponse:
    """Show how a program gets from an API key to a finished file."""
    word = offers.default_word()
    context = {
        "at": "developers",
        "tab": "start",
        "snippets": snippets_for(word),
        "prices": _prices(),
        "first": word,
        "mcp_url": f"{settings.BASE_URL}/mcp",
    }
    return render(request, "developers/start.html", context)


def snippets_for(word: str) -> dict[str, str]:
    """Return the text of each program, which orders the shortest video of a model."""
    shortest = offers.find(word).lengths[0]
    # Letters of a prompt, a URL of ours and a model's word: nothing that has to be escaped here.
    facts = {"base_url": mark_safe(settings.BASE_URL), "model": word, "seconds": shortest}  # noqa: S308
    return {name: render_to_string(f"developers/snippets/{name}.txt", facts) for name in SNIPPETS}


def _prices() -> dict[str, Any]:
    """Return what a video costs by model, size and length; the words are those of an order."""
    now, words = prices.current(), [offers.default_word()]
    words += [model.id for model in offers.offered() if model.id not in words]
    return {word: _prices_of(word, now) for word in words}


def _prices_of(word: str, now: prices.PriceList) -> dict[str, dict[int, int | None]]:
    model = offers.find(word)
    sizes = [model.default_size, *(f.size for f in model.frames if f.size != model.default_size)]
    return {
        size: {n: now.credits(prices.Kind.TEXT, word, size, n) for n in model.lengths}
        for size in sizes
    }
