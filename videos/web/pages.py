"""What several pages share: loading the user's own rows, and answering a deletion or a repeat."""

from collections.abc import Sequence
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from config.lib import idempotency
from config.lib.idempotency import RequestKey
from config.lib.web.forms import WHOLE_NUMBER
from config.lib.web.responses import UserRequest, redirect_back
from videos.jobs.orders import ANY_PRICE, PriceTerms
from videos.models import Collection, Video


def get_own_video(request: UserRequest, video_id: UUID) -> Video:
    """Return the user's own video. Raises Http404 for another user's, as for an unknown id."""
    rows = Video.objects.of(request.user)
    related = ("source", "first_image", "last_image", "retry_of")
    return get_object_or_404(rows.select_related(*related), pk=video_id)


def shown_price(request: UserRequest) -> PriceTerms:
    """Return the price that the form showed as the most that its order may cost.

    Nothing is ordered at a price that cannot be read.
    """
    shown = request.POST.get("expected_credits", "")
    if not shown:
        return ANY_PRICE
    return PriceTerms(int(shown) if WHOLE_NUMBER.fullmatch(shown) else 0)


def get_own_collection(request: UserRequest, collection_id: int | str) -> Collection:
    """Return the user's own collection. Raises Http404."""
    known = str(collection_id).isdecimal() and len(str(collection_id)) < 10
    pk = int(collection_id) if known else 0
    return get_object_or_404(Collection, pk=pk, user_id=request.user.pk)


def answer_deletion(request: UserRequest, videos: Sequence[Video]) -> HttpResponse:
    """Answer that videos were deleted, with an undo button; a script shows its own message."""
    if "quiet" in request.POST:
        return HttpResponse(status=204)
    n = len(videos)
    text = ngettext("%(n)d video was deleted.", "%(n)d videos were deleted.", n) % {"n": n}
    undo = " ".join(["undo", *(str(video.pk) for video in videos)])
    messages.success(request, text if n > 1 else _("The video was deleted."), extra_tags=undo)
    return redirect_back(request, "library")


def answer_refusal(request: UserRequest, why: str) -> HttpResponse:
    """Answer that nothing was deleted, and why; a script gets the sentence with status 409."""
    if "quiet" in request.POST:
        return HttpResponse(why, status=409, content_type="text/plain")
    messages.error(request, why)
    return redirect_back(request, "library")


def request_key(request: UserRequest) -> RequestKey | None:
    """Return the idempotency key of a form, so that a double click orders one video."""
    token = request.POST.get("token", "")[:64]
    return idempotency.key_of_form(request.user, request.path, token)
