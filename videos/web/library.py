"""The library: all videos of a user, filtered, sorted and grouped by day."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from itertools import groupby
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.core.paginator import Page
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from config.lib import rate_limits
from config.lib.web.paging import page_of, uncounted_page_of
from config.lib.web.responses import UserRequest
from videos import feed
from videos.catalog.reading import catalog
from videos.library import collection_links, search, tags
from videos.library import collections as library_collections
from videos.library import counts as library_counts
from videos.library.search import LibraryFilter
from videos.models import CollectionLink, LibraryCounts, Video, VideoQuerySet
from videos.web.pages import get_own_collection
from videos.web.presenters import library_view
from videos.web.presenters.chosen_filters import chosen_filters
from videos.web.presenters.take_stacks import stack_takes
from videos.web.presenters.video_card import VideoCard, cards_of

PER_PAGE = 24


@login_required
@require_safe
def library(request: UserRequest) -> HttpResponse:
    """Show one page of the videos that match the filter in the query string."""
    context = _found(request, LibraryFilter.from_query(request.GET))
    return library_view.remember(request, render(request, "videos/library.html", context))


@login_required
@require_safe
def collection(request: UserRequest, collection_id: int) -> HttpResponse:
    """Show one page of the videos of a collection."""
    shown = get_own_collection(request, collection_id)
    wanted = replace(LibraryFilter.from_query(request.GET), collection=shown.pk)
    context = _found(request, wanted)
    link = collection_links.active_link(shown)
    context |= {"at": "collections", "collection": shown, "link": link, "address": _address(link)}
    return library_view.remember(request, render(request, "videos/collection.html", context))


def _address(link: CollectionLink | None) -> str:
    """Where anyone sees the collection; "" without a link."""
    if link is None:
        return ""
    token = collection_links.token_of(link)
    return settings.BASE_URL + reverse("shared-collection", args=[token])


def _found(request: UserRequest, wanted: LibraryFilter) -> dict[str, Any]:
    """Return the context of a page of videos that match a filter."""
    seq = feed.current_sequence(
        request.user.pk
    )  # read before the videos, so that no change is missed
    if wanted.q:
        rate_limits.use("other", request.user)
    collections = list(library_collections.collections_of(request.user))
    kept = library_counts.counts_of(request.user)
    found = wanted.apply(request.user, is_large=kept.total > search.LARGE)
    counts = kept if wanted.is_whole_library else search.found_counts(found)
    page = _page(request, wanted.apply_status(found), counts, wanted.status)
    selecting = "select" in request.GET
    models = catalog().named(search.models_of(request.user))
    cards = cards_of(page) if selecting else stack_takes(cards_of(page))
    days = [] if wanted.sort else _days(cards)
    return {
        "at": "library",
        "seq": seq,
        "wanted": wanted,
        "library": kept,
        "counts": counts,
        "collections": collections,
        "own_tags": tags.tags_of(request.user),
        "models": models,
        "chosen_filters": chosen_filters(request, wanted, models, collections),
        "page": page,
        "cards": cards,
        "days": days,
        # Whether a script may add newly ordered videos on top of the page.
        "growing": wanted == LibraryFilter()
        and not selecting
        and days[:1]
        and days[0][0] == timezone.localdate(),
        "selecting": selecting,
        "view": library_view.view_of(request),
    }


def _page(
    request: UserRequest,
    rows: VideoQuerySet,
    counts: LibraryCounts | search.FoundCounts,
    status: str,
) -> "Page[Video]":
    """Return the page of these videos, which `counts` has counted where they are not too many."""
    if isinstance(counts, search.FoundCounts) and counts.is_cut:
        return uncounted_page_of(request, rows, PER_PAGE)
    return page_of(request, rows, PER_PAGE, getattr(counts, status or "total"))


def _days(cards: Iterable[VideoCard]) -> list[tuple[date, list[VideoCard]]]:
    """Group cards, newest first, by the day their video was ordered."""
    by_day = groupby(cards, key=lambda card: timezone.localdate(card.video.created_at))
    return [(day, list(group)) for day, group in by_day]
