"""The library's pages: everything one person made, to find, keep together, download and delete."""

from collections.abc import Iterable
from datetime import date
from itertools import groupby
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import Sum
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    StreamingHttpResponse,
)
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from videos import catalog, feed
from videos.jobs import state_machine
from videos.library import collections as library_collections
from videos.media import zip_download
from videos.models import Collection, Video, VideoQuerySet
from videos.web.context_processors import UserRequest, back, deleted, own, see_other
from videos.web.forms import CollectionForm
from videos.web.presenters import Card, cards_of

PER_PAGE = 24
MOST_AT_ONCE = 100


@login_required
@require_safe
def library(request: UserRequest) -> HttpResponse:
    seq = feed.current_seq(request.user.pk)  # before the videos, so that no change is missed
    wanted = library_collections.Search.read(request.GET)
    collections = list(library_collections.collections_of(request.user))
    mine = Video.objects.of(request.user)
    found = wanted.of(mine)
    page = Paginator(wanted.only(found), PER_PAGE).get_page(request.GET.get("page"))
    cards, picking = cards_of(page), "select" in request.GET
    days = [] if wanted.sort else _days(cards)
    context = {
        "at": "library",
        "seq": seq,
        "wanted": wanted,
        "counts": library_collections.counts(found),
        "collections": collections,
        "collection": next((one for one in collections if one.pk == wanted.collection), None),
        "models": catalog.MODELS.values(),
        "page": page,
        "cards": cards,
        "days": days,
        # Whether what is ordered meanwhile belongs on top of what is shown.
        "growing": wanted == library_collections.Search()
        and not picking
        and days[:1]
        and days[0][0] == timezone.localdate(),
        "picking": picking,
    }
    return render(request, "videos/library.html", context)


def _days(cards: Iterable[Card]) -> list[tuple[date, list[Card]]]:
    by_day = groupby(cards, key=lambda card: timezone.localdate(card.video.created_at))
    return [(day, list(group)) for day, group in by_day]


@login_required
@require_POST
def favourite(request: UserRequest, video_id: UUID) -> HttpResponse:
    """Mark a video as a favourite, or take the mark away."""
    library_collections.toggle_favourite(own(request, video_id))
    return back(request, "video", video_id)


# ---- several at once ----


@login_required
@require_POST
def download(request: UserRequest) -> HttpResponseBase:
    """The chosen videos as one ZIP."""
    items = zip_download.items_of(_chosen(request).filter(status=Video.Status.SUCCEEDED))
    if not items:
        messages.error(request, _("Choose at least one finished video."))
        return back(request, "library")
    name = f"videos-{timezone.localdate().isoformat()}.zip"
    return StreamingHttpResponse(
        zip_download.zipped(items),
        content_type="application/zip",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@login_required
@require_POST
def delete(request: UserRequest) -> HttpResponse:
    """Ask before the chosen videos go; delete them once that was answered."""
    chosen = _chosen(request)
    if not chosen:
        messages.error(request, _("Choose at least one video."))
        return back(request, "library")
    if "sure" in request.POST:
        going = list(chosen)
        with transaction.atomic():
            for video in going:
                state_machine.delete(video, undo=True)
        return deleted(request, going)
    rendering = chosen.filter(status__in=Video.ACTIVE).order_by()
    context = {
        "at": "library",
        "cards": cards_of(chosen),
        "returned": rendering.aggregate(sum=Sum("credits"))["sum"] or 0,
        "next": request.POST.get("next", ""),
    }
    return render(request, "videos/delete_many.html", context)


@login_required
@require_POST
def restore(request: UserRequest) -> HttpResponse:
    """Bring back what was deleted a moment ago; a script is answered with a bare status."""
    gone = Video.objects.filter(user_id=request.user.pk, pk__in=_ids(request))
    if not gone:
        raise Http404
    came = [video for video in gone if _came_back(video)]
    if "quiet" in request.POST:
        return HttpResponse(status=204 if len(came) == len(gone) else 410)
    if len(came) < len(gone):
        messages.error(request, _("It is too late to undo this. The files are gone."))
    else:
        words = ngettext("%(n)d video is back.", "%(n)d videos are back.", len(came))
        messages.success(request, words % {"n": len(came)})
    return back(request, "library")


def _came_back(video: Video) -> bool:
    try:
        state_machine.restore(video)
    except state_machine.TooLate:
        return False
    return True


@login_required
@require_POST
def collect(request: UserRequest) -> HttpResponse:
    """Put the chosen videos into a collection, or take them out of the one they are shown in."""
    chosen = _chosen(request)
    out = "out" in request.POST
    collection = _collection(request, request.POST.get("out" if out else "collection", ""))
    if not chosen:
        messages.error(request, _("Choose at least one video."))
        return back(request, "library")
    if out:
        n = library_collections.take_out(collection, chosen)
        words = ngettext("%(n)d video taken out.", "%(n)d videos taken out.", n)
    else:
        n = library_collections.keep(collection, chosen)
        words = ngettext("%(n)d video added.", "%(n)d videos added.", n)
    messages.success(request, words % {"n": n})
    return back(request, "library")


def _chosen(request: UserRequest) -> VideoQuerySet:
    """The reader's own videos among those that were ticked, newest first."""
    return Video.objects.of(request.user).filter(pk__in=_ids(request)).newest()


def _ids(request: UserRequest) -> list[UUID]:
    """The ids in a form, one or several in a field; what is none is left out."""
    ids: list[UUID] = []
    for text in " ".join(request.POST.getlist("video")).split()[:MOST_AT_ONCE]:
        try:
            ids.append(UUID(text))
        except ValueError:
            continue
    return ids


# ---- collections ----


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def collections(request: UserRequest) -> HttpResponse:
    """All collections; a name that is sent begins one, with the videos that came along."""
    form = CollectionForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        name = form.cleaned_data["name"]
        try:
            made = library_collections.name_collection(request.user, name, None)
        except library_collections.NameTaken:
            form.add_error("name", _("You have a collection with this name."))
        else:
            library_collections.keep(made, _chosen(request))
            return see_other(_address(made))
    found = library_collections.collections_of(request.user)
    context = {"at": "collections", "collections": found, "form": form, "chosen": _ticked(request)}
    status = 422 if form.errors else 200
    return render(request, "videos/collections.html", context, status=status)


def _ticked(request: HttpRequest) -> list[str]:
    return request.POST.getlist("video")[:MOST_AT_ONCE]


@login_required
@require_POST
def rename_collection(request: UserRequest, collection_id: int) -> HttpResponse:
    collection = _collection(request, collection_id)
    form = CollectionForm(request.POST)
    if not form.is_valid():
        messages.error(request, str(form.errors["name"][0]))
    else:
        try:
            library_collections.name_collection(request.user, form.cleaned_data["name"], collection)
        except library_collections.NameTaken:
            messages.error(request, _("You have a collection with this name."))
    return see_other(_address(collection))


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def delete_collection(request: UserRequest, collection_id: int) -> HttpResponse:
    """Forget a collection; its videos stay in the library."""
    collection = _collection(request, collection_id)
    if request.method != "POST":
        context: dict[str, Any] = {"at": "collections", "collection": collection}
        return render(request, "videos/delete_collection.html", context)
    collection.delete()
    gone = _("The collection %(name)s is deleted. Its videos are still in your library.")
    messages.success(request, gone % {"name": collection.name})
    return see_other("collections")


def _collection(request: UserRequest, collection_id: int | str) -> Collection:
    known = str(collection_id).isdecimal() and len(str(collection_id)) < 10
    pk = int(collection_id) if known else 0
    return get_object_or_404(Collection, pk=pk, user_id=request.user.pk)


def _address(collection: Collection) -> str:
    return f"{reverse('library')}?collection={collection.pk}"
