"""The queue page: a user's rendering and waiting videos, and what can be done with them."""

from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from config.lib.web.paging import page_of
from config.lib.web.responses import UserRequest, see_other
from videos import feed
from videos.jobs import cancellation, own_queue, state_machine
from videos.models import Video
from videos.web.pages import get_own_video
from videos.web.presenters.video_card import cards_of

# The buttons of one order, and those of all; cancelling asks first.
ACTS = {name: own_queue.CHANGES[name] for name in ("pause", "resume", "front")}
ACTS_ON_ALL = {f"{name}-all": own_queue.CHANGES_OF_ALL[name] for name in ("pause", "resume")}


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def queue(request: UserRequest) -> HttpResponse:
    """Show the queue, or pause, resume or move what the form names."""
    if request.method == "POST":
        return _act(request)
    # Read before the videos, so that no change is missed.
    seq = feed.current_sequence(request.user.pk)
    rows = own_queue.waiting_of(request.user)
    begun = own_queue.begun_of(request.user)[: own_queue.MOST_LISTED]
    totals = own_queue.totals_of(rows)
    page = page_of(request, rows, own_queue.MOST_LISTED, totals["total"])
    cards = cards_of([*begun, *page], all_places=True)
    waiting = [card for card in cards if card.video.status == Video.Status.QUEUED]
    context = {
        "at": "studio",
        "seq": seq,
        "begun": [card for card in cards if card.video.status != Video.Status.QUEUED],
        "waiting": waiting,
        "totals": totals,
        "page": page,
        "unpaused": totals["total"] - totals["paused"],
        "at_once": settings.JOBS_PER_USER,
        "hours": round(settings.QUEUE_DEADLINE.total_seconds() / 3600),
    }
    return render(request, "videos/queue.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def cancel(request: UserRequest) -> HttpResponse:
    """Ask, then cancel all waiting orders, or also what engines have begun."""
    if request.method == "POST":
        return _cancel(request)
    begun = own_queue.begun_of(request.user)
    first = begun.first()
    context = {
        "at": "studio",
        "waiting": own_queue.totals_of(own_queue.waiting_of(request.user)),
        "begun": own_queue.totals_of(begun),
        "refusal": first and cancellation.find_refusal(first),
    }
    return render(request, "videos/cancel_queue.html", context)


def _act(request: UserRequest) -> HttpResponse:
    act = request.POST.get("act", "")
    if act in ACTS_ON_ALL:
        ACTS_ON_ALL[act](request.user)
        return see_other("queue")
    video = get_own_video(request, _video_id(request))
    if act not in ACTS:
        raise Http404
    try:
        ACTS[act](video)
    except state_machine.NotPossible as error:
        messages.error(request, str(error))
    return see_other("queue")


def _video_id(request: UserRequest) -> UUID:
    try:
        return UUID(request.POST.get("video", ""))
    except ValueError as error:
        raise Http404 from error


def _cancel(request: UserRequest) -> HttpResponse:
    done = own_queue.cancel_all(request.user, begun=request.POST.get("what") == "all")
    n = len(done.videos)
    if n:
        text = ngettext("%(n)d video was cancelled.", "%(n)d videos were cancelled.", n) % {"n": n}
        messages.success(request, f"{text} {_returned(done.credits)}".strip())
    if done.refusal:
        messages.error(request, str(done.refusal))
    elif not n:
        messages.error(request, _("There was nothing left to cancel."))
    return see_other("queue")


def _returned(credits: int) -> str:
    """Say how many credits came back; "" for none."""
    if not credits:
        return ""
    text = ngettext("%(n)s credit was returned.", "%(n)s credits were returned.", credits)
    return text % {"n": number_format(credits, force_grouping=True)}
