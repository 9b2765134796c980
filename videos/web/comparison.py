"""Compare two versions or takes, and pick the best take."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from config.lib.web.responses import UserRequest, redirect_back
from videos import feed
from videos.library import comparison, takes
from videos.library.lineage import prompt_changes
from videos.models import Video
from videos.web.pages import get_own_video
from videos.web.presenters.comparison import differences
from videos.web.presenters.video_card import cards_of


@login_required
@require_safe
def compare(request: UserRequest, video_id: UUID) -> HttpResponse:
    """Show two relatives of a video beside each other; `a` and `b` of the query choose them."""
    video = get_own_video(request, video_id)
    # Read before the cards, so that no change is missed.
    seq = feed.current_sequence(request.user.pk)
    relatives = comparison.relatives_of(video)
    if not relatives:
        raise Http404
    usual = comparison.usual_pair(video, relatives)
    pair = [
        _chosen(request, name, relatives, default)
        for name, default in zip(("a", "b"), usual, strict=True)
    ]
    cards = {card.video.pk: card for card in cards_of(relatives)}
    a, b = (cards[one.pk] for one in pair)
    context = {
        "at": "library",
        "seq": seq,
        "video": cards[video.pk],
        "pair": [a, b],
        "choices": list(cards.values()),
        "is_playable": a.state == b.state == "done",
        "changes": prompt_changes(a.video.prompt, b.video.prompt),
        "is_same_prompt": a.video.prompt == b.video.prompt,
        "differences": differences(a, b),
    }
    return render(request, "videos/compare.html", context)


def _chosen(request: UserRequest, name: str, relatives: list[Video], default: Video) -> Video:
    """Return the relative with the id in the query. Raises Http404 for any other id."""
    asked = request.GET.get(name)
    if not asked:
        return default
    for one in relatives:
        if str(one.pk) == asked:
            return one
    raise Http404


@login_required
@require_POST
def pick(request: UserRequest, video_id: UUID) -> HttpResponse:
    """Pick a take as the best one of its order, or no longer."""
    video = get_own_video(request, video_id)
    if "withdraw" in request.POST:
        takes.unpick(video)
        return redirect_back(request, "video", video_id)
    try:
        takes.pick(video)
    except takes.NotATake:
        messages.error(request, _("This video was ordered alone, so there are no other takes."))
    return redirect_back(request, "video", video_id)
