"""What the library does with several chosen videos: download, delete, restore, collect."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Sum
from django.http import (
    Http404,
    HttpResponse,
    HttpResponseBase,
    StreamingHttpResponse,
)
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from config.lib import rate_limits
from config.lib.web.responses import UserRequest, redirect_back
from videos.jobs import cancellation, removal
from videos.library import collections as library_collections
from videos.media import zip_download
from videos.models import Video, VideoQuerySet
from videos.web import pages
from videos.web.pages import answer_deletion, answer_refusal
from videos.web.presenters.video_card import cards_of

MAX_CHOSEN = 100


@login_required
@require_POST
def download(request: UserRequest) -> HttpResponseBase:
    """Send the chosen finished videos as one ZIP."""
    rate_limits.use("other", request.user)
    items = zip_download.list_files(chosen_videos(request).filter(status=Video.Status.SUCCEEDED))
    if not items:
        messages.error(request, _("Choose at least one finished video."))
        return redirect_back(request, "library")
    name = f"videos-{timezone.localdate().isoformat()}.zip"
    return StreamingHttpResponse(
        zip_download.stream_zip(items),
        content_type="application/zip",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@login_required
@require_POST
def delete(request: UserRequest) -> HttpResponse:
    """Ask, then delete the chosen videos; the user can undo it for a short time."""
    chosen = chosen_videos(request)
    if not chosen:
        messages.error(request, _("Choose at least one video."))
        return redirect_back(request, "library")
    if "sure" in request.POST:
        deleted = list(chosen)
        try:
            removal.delete_all(deleted, undo=True)
        except cancellation.TooManyCancellations as error:
            text = _("Nothing was deleted: “%(title)s” cannot be cancelled now. %(reason)s")
            why = text % {"title": error.video, "reason": error}
            return answer_refusal(request, why)
        return answer_deletion(request, deleted)
    rendering = chosen.filter(status__in=Video.ACTIVE)
    refusals = map(cancellation.find_refusal, rendering)
    context = {
        "at": "library",
        "refusal": next(filter(None, refusals), None),
        "cards": cards_of(chosen),
        "returned": rendering.order_by().aggregate(sum=Sum("credits"))["sum"] or 0,
        "next": request.POST.get("next", ""),
    }
    return render(request, "videos/delete_many.html", context)


@login_required
@require_POST
def restore(request: UserRequest) -> HttpResponse:
    """Undo a deletion; a script gets status 204, or 410 when it is too late for some of them."""
    deleted = Video.objects.filter(user_id=request.user.pk, pk__in=_ids(request))
    if not deleted:
        raise Http404
    restored = [video for video in deleted if _try_restore(video)]
    if "quiet" in request.POST:
        return HttpResponse(status=204 if len(restored) == len(deleted) else 410)
    if len(restored) < len(deleted):
        messages.error(
            request, _("The video can no longer be restored because its files were deleted.")
        )
    else:
        words = ngettext("%(n)d video was restored.", "%(n)d videos were restored.", len(restored))
        messages.success(request, words % {"n": len(restored)})
    return redirect_back(request, "library")


def _try_restore(video: Video) -> bool:
    try:
        removal.restore(video)
    except removal.TooLate:
        return False
    return True


@login_required
@require_POST
def collect(request: UserRequest) -> HttpResponse:
    """Add the chosen videos to a collection, or remove them from it."""
    chosen = chosen_videos(request)
    out = "out" in request.POST
    collection = pages.get_own_collection(
        request, request.POST.get("out" if out else "collection", "")
    )
    if not chosen:
        messages.error(request, _("Choose at least one video."))
        return redirect_back(request, "library")
    if out:
        n = library_collections.remove_videos(collection, chosen)
        words = ngettext(
            "%(n)d video was removed from the collection.",
            "%(n)d videos were removed from the collection.",
            n,
        )
    else:
        n = library_collections.add_videos(collection, chosen)
        words = ngettext("%(n)d video was added.", "%(n)d videos were added.", n)
    messages.success(request, words % {"n": n})
    return redirect_back(request, "library")


def chosen_videos(request: UserRequest) -> VideoQuerySet:
    """Return the user's own videos among those chosen in the form, newest first."""
    return Video.objects.of(request.user).filter(pk__in=_ids(request)).newest()


def _ids(request: UserRequest) -> list[UUID]:
    """Return at most MAX_CHOSEN ids of the form; a field may hold several, bad ones are skipped."""
    ids: list[UUID] = []
    for text in " ".join(request.POST.getlist("video")).split()[:MAX_CHOSEN]:
        try:
            ids.append(UUID(text))
        except ValueError:
            continue
    return ids
