"""Feeds of the newest clips, as Atom and as RSS, and the site map."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.feedgenerator import Atom1Feed, Enclosure, Rss201rev2Feed, SyndicationFeed
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from config.lib.texts import without_controls
from showcase import faq, gallery, makers
from showcase.models import Clip
from showcase.web.clips import public_clips

ENTRIES = 50
MOST_CLIPS = 20_000  # a site map may name 50,000 addresses
PAGES = ("home", "showcase", "help", "rules", "terms", "privacy", "accessibility")


@require_safe
@cache_control(public=True, max_age=300)
def atom(request: HttpRequest) -> HttpResponse:
    return _feed(Atom1Feed, "atom")


@require_safe
@cache_control(public=True, max_age=300)
def rss(request: HttpRequest) -> HttpResponse:
    return _feed(Rss201rev2Feed, "rss")


@require_safe
@cache_control(public=True, max_age=3600)
def sitemap(request: HttpRequest) -> HttpResponse:
    """Name every public page for search engines."""
    names = (*PAGES, *(("pricing",) if settings.BILLING else ()))
    addresses: list[tuple[str, str]] = [(reverse(name), "") for name in names]
    addresses += [(reverse("topic", args=[topic.slug]), "") for topic in faq.topics()]
    rows = public_clips().order_by("-created_at").values_list("pk", "created_at")[:MOST_CLIPS]
    addresses += [(reverse("clip", args=[pk]), at.date().isoformat()) for pk, at in rows]
    addresses += [(reverse("maker", args=[each.slug]), "") for each in makers.public()[:MOST_CLIPS]]
    kind = "application/xml; charset=utf-8"
    return render(request, "showcase/sitemap.xml", {"addresses": addresses}, content_type=kind)


def _feed(kind: type[SyndicationFeed], name: str) -> HttpResponse:
    feed = kind(
        title=_("Showcase of %(site)s") % {"site": settings.SITE_NAME},
        link=settings.BASE_URL + reverse("showcase"),
        description=_("Short videos made from one sentence each, selected by our staff."),
        feed_url=settings.BASE_URL + reverse(f"feed-{name}"),
    )
    for clip in public_clips().order_by("-created_at")[:ENTRIES]:
        _add(feed, clip)
    response = HttpResponse(content_type=f"application/{name}+xml; charset=utf-8")
    feed.write(response, "utf-8")
    return response


def _add(feed: SyndicationFeed, clip: Clip) -> None:
    page = settings.BASE_URL + reverse("clip", args=[clip.pk])
    maker = makers.maker_of(clip)
    feed.add_item(
        title=without_controls(clip.shown_title),
        link=page,
        unique_id=page,
        description=without_controls(clip.description or clip.video.prompt),
        author_name=without_controls(maker.user.name) if maker else settings.SITE_NAME,
        pubdate=clip.created_at,
        updateddate=clip.created_at,
        enclosures=[
            Enclosure(gallery.video_url(clip), str(clip.video.file_bytes or 0), "video/mp4")
        ],
    )
