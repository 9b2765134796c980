"""The pages and lists that are measured, by what they show and to whom."""

from collections.abc import Callable, Iterator

from django.http.response import HttpResponseBase
from django.test import Client
from rest_framework.test import APIClient

from accounts.auth import tokens
from accounts.models import Session, User
from benchmarks.growth.rows import RARE_WORD
from videos.models import Video

Request = Callable[[], HttpResponseBase]
PAGES = {
    "studio": "/studio/",
    "library": "/library/",
    "library, ready": "/library/?status=ready",
    "library, needs attention": "/library/?status=attention",
    "library, one model": "/library/?model={model}",
    "library, by prompt": "/library/?sort=title",
    "library, the longest": "/library/?sort=longest",
    "library, a rare word": f"/library/?q={RARE_WORD}",
    "library, a frequent word": "/library/?q=harbour",
    "library, a word in no prompt": "/library/?q=xyzzy",
    "library, last page": "/library/?page=1000000",
    "usage, 30 days": "/usage/",
    "usage, 90 days": "/usage/?days=90",
    "billing": "/billing/",
    "collections": "/collections/",
}
LISTS = {
    "API, list of 20": "/api/videos?limit=20",
    "API, list after the middle": "/api/videos?limit=20&after={middle}",
    "API, completed": "/api/videos?limit=20&status=completed",
    "API, failed": "/api/videos?limit=20&status=failed",
    "API, in progress": "/api/videos?limit=20&status=in_progress",
    "API, a rare word": f"/api/videos?limit=20&q={RARE_WORD}",
    "API, a frequent word": "/api/videos?limit=20&q=harbour",
    "API, tasks": "/api/tasks/user/tasks",
    "API, transactions": "/api/users/credits/transactions",
    "/v1, list of 20": "/v1/videos?limit=20",
}
STAFF_PAGES = {
    "staff: first page": "/admin/",
    "staff: videos": "/admin/videos/video/",
    "staff: videos, failed": "/admin/videos/video/?status__exact=failed",
    "staff: videos, a rare word": f"/admin/videos/video/?q={RARE_WORD}",
    "staff: videos, an id": "/admin/videos/video/?q={middle}",
    "staff: users": "/admin/accounts/user/",
    "staff: users, an address": "/admin/accounts/user/?q=user-000777@example.com",
    "staff: entries": "/admin/billing/entry/",
}


def requests_of(user: User) -> Iterator[tuple[str, Request]]:
    """Yield the names of a user's pages and lists, and what requests them."""
    page, api = Client(HTTP_HOST="localhost"), APIClient(HTTP_HOST="localhost")
    page.force_login(user)
    issued = tokens.sign_in(user, Session.Grant.PASSWORD)
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {issued.access}")
    rows = Video.objects.of(user).newest()
    middle = rows[rows.count() // 2]
    for client, paths in ((page, PAGES), (api, LISTS)):
        for name, path in paths.items():
            yield name, _get(client, path.format(middle=middle.pk, model=middle.model))


def requests_of_staff(staff: User) -> Iterator[tuple[str, Request]]:
    """Yield the names of staff pages and what requests them."""
    client = Client(HTTP_HOST="localhost")
    client.force_login(staff)
    some = Video.objects.order_by("pk")[0].pk
    for name, path in STAFF_PAGES.items():
        yield name, _get(client, path.format(middle=some))


def _get(client: Client, path: str) -> Request:
    return lambda: client.get(path)
