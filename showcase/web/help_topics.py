"""The help pages: questions and answers."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from showcase import faq


@require_safe
def help_page(request: HttpRequest) -> HttpResponse:
    """Show every topic, or those that contain the searched words."""
    words = request.GET.get("q", "").strip()[:100]
    return render(request, "pages/help.html", {"topics": faq.matching(words), "q": words})


@require_safe
def topic(request: HttpRequest, topic: str) -> HttpResponse:
    """Show one topic."""
    found = faq.find(topic)
    if found is None:
        raise Http404
    others = [one for one in faq.topics() if one is not found]
    return render(request, "pages/topic.html", {"topic": found, "others": others[:5]})
