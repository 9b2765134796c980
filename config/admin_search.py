"""One search of the staff pages over users, videos, payments and everything people wrote to us.

Each group is what the search of its list finds, so a member of staff sees only what they may see.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlencode

from django.apps import apps
from django.contrib.admin import AdminSite
from django.http import HttpRequest
from django.urls import reverse
from django.utils.text import Truncator, capfirst

from accounts.models import User
from videos.models import Video

SEARCHED = (
    "accounts.User", "videos.Video", "billing.Payment", "showcase.Clip", "showcase.AbuseReport",
    "showcase.Feedback", "videos.RejectedPrompt", "videos.WebhookEndpoint", "lib.OutgoingEmail",
)  # fmt: skip
MOST_SHOWN = 5
WORDS_MAX = 200


@dataclass(frozen=True)
class Found:
    """A row: what it is called, when and whose it is, and its page."""

    name: str
    about: str
    url: str
    poster: str = ""


@dataclass(frozen=True)
class Group:
    """Some rows of one list, and the address of all that the list finds."""

    label: str
    rows: list[Found]
    url: str
    has_more: bool


def find(site: AdminSite, request: HttpRequest, words: str) -> list[Group]:
    """Return what the lists find that this member of staff may see; nothing for no words."""
    words = words.replace("\0", "").strip()[:WORDS_MAX]
    return list(_groups(site, request, words)) if words else []


def _groups(site: AdminSite, request: HttpRequest, words: str) -> Iterator[Group]:
    for model in map(apps.get_model, SEARCHED):
        model_admin = site.get_model_admin(model)
        if not model_admin.has_view_permission(request):
            continue
        everything = model_admin.get_queryset(request)
        found, repeats = model_admin.get_search_results(request, everything, words)
        related = model_admin.list_select_related
        if isinstance(related, (list, tuple)) and related:
            found = found.select_related(*related)
        rows = list((found.distinct() if repeats else found)[: MOST_SHOWN + 1])
        if rows:
            opts = model._meta
            base = f"admin:{opts.app_label}_{opts.model_name}"
            yield Group(
                capfirst(str(opts.verbose_name_plural)),
                [_row(row, base) for row in rows[:MOST_SHOWN]],
                f"{reverse(f'{base}_changelist')}?{urlencode({'q': words})}",
                len(rows) > MOST_SHOWN,
            )


def _row(row: object, base: str) -> Found:
    pk = getattr(row, "pk", None)
    name = getattr(row, "prompt", "") or str(row)
    owner = getattr(row, "email", "") if isinstance(row, User) else getattr(row, "user", "")
    poster = ""
    if isinstance(row, Video) and row.thumbnail and not row.deleted_at:
        poster = reverse(f"{base}_poster", args=[pk])
    return Found(
        Truncator(name).chars(90), str(owner or ""), reverse(f"{base}_change", args=[pk]), poster
    )
