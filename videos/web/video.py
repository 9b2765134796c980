"""The page of one video and what its buttons do."""

from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Q
from django.http import (
    Http404,
    HttpResponse,
    HttpResponseRedirect,
)
from django.shortcuts import render, resolve_url
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from billing.ledger import credits
from config.lib import idempotency, rate_limits
from config.lib.web.responses import UserRequest, redirect_back, see_other
from videos import feed
from videos.credentials import records
from videos.jobs import cancellation, orders, removal, state_machine
from videos.library import collections, comparison, tags, titles
from videos.library.lineage import kept_videos, lineage_of, prompt_changes
from videos.library.share_links import active_link, token_of
from videos.library.takes import takes_of
from videos.models import MediaJob, Video, VideoQuerySet
from videos.web import pages
from videos.web.forms import RemixForm, TitleForm
from videos.web.pages import answer_deletion, answer_refusal, get_own_video
from videos.web.presenters.code_sample import curl_command
from videos.web.presenters.history import history_of
from videos.web.presenters.video_card import card_node, cards_of
from videos.web.presenters.wallet import wallet_of
from videos.web.repeat_orders import NOT_ORDERED, missing_credits, place_remix


@login_required
@require_POST
def favourite(request: UserRequest, video_id: UUID) -> HttpResponse:
    """Add a video to the favourites, or remove it."""
    collections.toggle_favourite(get_own_video(request, video_id))
    return redirect_back(request, "video", video_id)


@login_required
@require_safe
def video(request: UserRequest, video_id: UUID) -> HttpResponse:
    """Show one video; the id of an edit that has made none leads to the list of edits."""
    try:
        found = get_own_video(request, video_id)
    except Http404:
        if job := MediaJob.objects.of(request.user).filter(pk=video_id, result=None).first():
            page = "exports" if job.kind == MediaJob.Kind.EXPORT else "edits"
            return see_other(f"{reverse(page)}#{job.kind}-{video_id}")
        raise
    return _render_video(request, found, RemixForm())


@login_required
@require_POST
def title(request: UserRequest, video_id: UUID) -> HttpResponse:
    """Give a video a title, or take its own one away."""
    video = get_own_video(request, video_id)
    form = TitleForm(request.POST)
    if form.is_valid():
        titles.rename(video, form.cleaned_data["title"])
    else:
        messages.error(request, str(form.errors["title"][0]))
    return see_other("video", video_id)


@login_required
@require_safe
def card(request: UserRequest, video_id: UUID) -> HttpResponse:
    """Render the card alone, for a page that is already open."""
    cards = cards_of([get_own_video(request, video_id)])
    return render(request, "videos/card.html", {"card": cards[0]})


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def remix(request: UserRequest, video_id: UUID) -> HttpResponse:
    """Order a remix, or show what is wrong with the order."""
    source = get_own_video(request, video_id)
    if request.method != "POST":
        return HttpResponseRedirect(resolve_url("video", video_id) + "#remix")
    form = RemixForm(request.POST)
    if not form.is_valid():
        return _render_video(request, source, form, 422)
    made, status = place_remix(
        request, form, lambda prompt, key, terms: orders.remix(source, prompt, key, terms=terms)
    )
    if made:
        return see_other("video", made.pk)
    return _render_video(request, source, form, status)


@login_required
@require_POST
def retry(request: UserRequest, video_id: UUID) -> HttpResponse:
    """Order a failed video again."""
    failed = get_own_video(request, video_id)
    key = pages.request_key(request)

    def order() -> Video:
        rate_limits.use("generate", request.user)
        return orders.retry(failed, key, terms=pages.shown_price(request))

    try:
        made = idempotency.run(key, order).result
    except NOT_ORDERED as error:
        messages.error(request, str(error))
    except credits.NotEnoughCredits as error:
        messages.error(request, missing_credits(error))
    else:
        return redirect_back(request, "video", made.pk)
    return redirect_back(request, "video", video_id)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def cancel(request: UserRequest, video_id: UUID) -> HttpResponse:
    """Ask, then cancel a video that is waiting or rendering."""
    video = get_own_video(request, video_id)
    if request.method != "POST":
        return _confirm(request, video, "cancel")
    try:
        cancellation.cancel(video)
    except (state_machine.NotPossible, cancellation.TooManyCancellations) as error:
        messages.error(request, str(error))
    return redirect_back(request, "video", video_id)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: UserRequest, video_id: UUID) -> HttpResponse:
    """Ask, then delete a video; the user can undo it for a short time."""
    video = get_own_video(request, video_id)
    if request.method != "POST":
        return _confirm(request, video, "delete")
    try:
        removal.delete(video, undo=True)
    except cancellation.TooManyCancellations as error:
        return answer_refusal(request, str(error))
    return answer_deletion(request, [video])


def _confirm(request: UserRequest, video: Video, what: str) -> HttpResponse:
    """Ask before a video is cancelled or deleted; `what` is "cancel" or "delete"."""
    context = {
        "card": cards_of([video])[0],
        "what": what,
        "refusal": cancellation.find_refusal(video),
        "is_over": what == "cancel" and not video.is_active,
        "next": request.GET.get("next", ""),
        "at": "library",
    }
    return render(request, "videos/confirm.html", context)


def _render_video(
    request: UserRequest, video: Video, form: RemixForm, status: int = 200
) -> HttpResponse:
    """Render the page; `form` is the remix form."""
    seq = feed.current_sequence(
        request.user.pk
    )  # read before the video, so that no change is missed
    wallet = wallet_of(request.user)
    tree, takes = lineage_of(video), takes_of(video)
    relatives = comparison.select_relatives(video, tree, takes)
    shown = {card.video.pk: card for card in cards_of(relatives or [video])}
    left = wallet["available"] - (shown[video.pk].remix_price or 0)
    share = active_link(video)
    context = {
        "at": "library",
        "seq": seq,
        "wallet": wallet,
        "card": shown[video.pk],
        "comparable": bool(relatives),
        "takes": [shown[take.pk] for take in takes],
        "changes": _changes(video),
        "tree": tree and card_node(tree, shown),
        "versions": len(kept_videos(tree)) if tree else 0,
        "form": form,
        "left": left,
        "is_short": settings.BILLING and left < 0,
        "log": history_of(video),
        "refusal": cancellation.find_refusal(video),
        "share": share,
        "link": share and settings.BASE_URL + reverse("shared", args=[token_of(share)]),
        "video": video,
        "own_tags": tags.tags_of(request.user),
        "collections": collections.collections_of(request.user),
        "call": curl_command(video, settings.BASE_URL),
        "credential": records.of_video(video),
        **_neighbours(video),
    }
    return render(request, "videos/video.html", context, status=status)


def _changes(video: Video) -> list[tuple[str, str]]:
    """Return the prompt in pieces, with what differs from the video that it is a remix of."""
    if video.source and not video.source.deleted_at:
        return prompt_changes(video.source.prompt, video.prompt)
    return [("same", video.prompt)]


def _neighbours(video: Video) -> dict[str, UUID | None]:
    """Return the ids of the next newer and the next older video."""
    mine = Video.objects.filter(user_id=video.user_id, deleted_at=None)
    at, same = video.created_at, Q(created_at=video.created_at)
    newer = mine.filter(Q(created_at__gt=at) | same & Q(pk__gt=video.pk)).newest().reverse()
    older = mine.filter(Q(created_at__lt=at) | same & Q(pk__lt=video.pk)).newest()
    return {"newer": _first(newer), "older": _first(older)}


def _first(videos: VideoQuerySet) -> UUID | None:
    return videos.values_list("pk", flat=True).first()
