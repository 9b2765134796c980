"""Addresses that browsers, crawlers and password managers try, and pages without their slash."""

import pytest
from django.contrib.staticfiles import finders
from django.test import Client
from PIL import Image


@pytest.mark.parametrize(
    ("path", "leads_to"),
    [
        ("/studio", "/studio/"),
        ("/library?q=red%20kite", "/library/?q=red%20kite"),
        ("/accounts/login", "/accounts/login/"),
        ("/admin", "/admin/"),
        ("/help/credits", "/help/credits/"),
    ],
)
def test_page_is_found_when_the_slash_is_missing(db: None, path: str, leads_to: str) -> None:
    answer = Client().get(path)
    assert (answer.status_code, answer["Location"]) == (301, leads_to)


@pytest.mark.parametrize("path", ["/nothing", "/api/videos/", "/api", "/v1"])
def test_address_is_unknown_when_no_page_has_it(db: None, path: str) -> None:
    assert Client().get(path).status_code == 404


def test_form_is_not_led_on_when_the_slash_is_missing(page: Client) -> None:
    assert page.post("/studio", {"prompt": "A boat"}).status_code == 404


def test_crawlers_read_what_they_may_read(db: None) -> None:
    answer = Client().get("/robots.txt")
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/plain; charset=utf-8")
    assert "Disallow: /api/" in answer.content.decode().splitlines()


@pytest.mark.parametrize(
    ("name", "format", "size"),
    [("favicon.ico", "ICO", (48, 48)), ("apple-touch-icon.png", "PNG", (180, 180))],
)
def test_icon_is_found_at_the_root(db: None, name: str, format: str, size: tuple[int, int]) -> None:
    answer = Client().get(f"/{name}")
    assert (answer.status_code, answer["Location"]) == (302, f"/static/img/{name}")
    with Image.open(str(finders.find(f"img/{name}"))) as image:
        assert (image.format, image.size) == (format, size)


def test_password_managers_find_the_page_that_changes_the_password(db: None) -> None:
    answer = Client().get("/.well-known/change-password")
    assert (answer.status_code, answer["Location"]) == (302, "/accounts/password/change/")
