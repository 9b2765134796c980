"""The library: all videos of a user, filtered, sorted and grouped by day."""

from collections.abc import Iterable
from datetime import date
from itertools import groupby

from django.contrib.auth.decorators import login_required
from django.core.paginator import Page
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from config.lib import rate_limits
from config.lib.web.paging import page_of, uncounted_page_of
from config.lib.web.responses import UserRequest
from videos import feed
from videos.catalog.reading import catalog
from videos.library import collections as library_collections
from videos.library import counts as library_counts
from videos.library import search
from videos.library.search import LibraryFilter
from videos.models import LibraryCounts, Video, VideoQuerySet
from videos.web.presenters.take_stacks import stack_takes
from videos.web.presenters.video_card import VideoCard, cards_of

PER_PAGE = 24


@login_required
@require_safe
def library(request: UserRequest) -> HttpResponse:
    """Show one page of the videos that match the filter in the query string."""
    seq = feed.current_sequence(
        request.user.pk
    )  # read before the videos, so that no change is missed
    wanted = LibraryFilter.from_query(request.GET)
    if wanted.q:
        rate_limits.use("other", request.user)
    collections = list(library_collections.collections_of(request.user))
    kept = library_counts.counts_of(request.user)
    found = wanted.apply(request.user, is_large=kept.total > search.LARGE)
    counts = kept if wanted.is_whole_library else search.found_counts(found)
    page = _page(request, wanted.apply_status(found), counts, wanted.status)
    picking = "select" in request.GET
    cards = cards_of(page) if picking else stack_takes(cards_of(page))
    days = [] if wanted.sort else _days(cards)
    context = {
        "at": "library",
        "seq": seq,
        "wanted": wanted,
        "library": kept,
        "counts": counts,
        "collections": collections,
        "collection": next((one for one in collections if one.pk == wanted.collection), None),
        "models": catalog().named(search.models_of(request.user)),
        "page": page,
        "cards": cards,
        "days": days,
        # Whether a script may add newly ordered videos on top of the page.
        "growing": wanted == LibraryFilter()
        and not picking
        and days[:1]
        and days[0][0] == timezone.localdate(),
        "picking": picking,
    }
    return render(request, "videos/library.html", context)


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
