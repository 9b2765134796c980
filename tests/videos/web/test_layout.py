"""The layout that all pages of the studio share: the sidebar, and where it leads."""

import re

import pytest
from django.test import Client

from accounts.models import User
from tests.markup import flat
from tests.videos.conftest import order

LINKS = [
    "/studio/", "/library/", "/collections/", "/showcase/", "/usage/", "/billing/", "/developers/",
    "/settings/",
]  # fmt: skip
PAGES = [
    "/studio/", "/library/", "/collections/", "/usage/", "/billing/", "/developers/",
    "/developers/keys/", "/developers/webhooks/", "/settings/", "/settings/sessions/",
    "/settings/mails/", "/settings/data/", "/v/{}/",
]  # fmt: skip


@pytest.mark.parametrize("path", PAGES)
def test_page_has_the_sidebar_of_the_studio(page: Client, alice: User, path: str) -> None:
    address = path.format(order(alice).pk)
    [sidebar] = re.findall('<aside class="sidebar".*?</aside>', flat(page.get(address)))
    shown = re.findall('href="([^"]*)"', sidebar)
    assert [link for link in LINKS if link not in shown] == []
