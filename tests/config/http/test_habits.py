"""What browsers, crawlers and people in a hurry ask for."""

from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.test import Client
from PIL import Image
from rest_framework.test import APIClient

from accounts.models import User
from tests.conftest import signed_in

PASSWORD = "alice-password"


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


def open_form(client: Client, path: str) -> dict[str, str]:
    """The fields of a sign-in form in one tab, with its CSRF token."""
    token = client.get(path).context["csrf_token"]
    return {"login": "alice", "password": PASSWORD, "csrfmiddlewaretoken": str(token)}


@pytest.mark.parametrize(
    ("path", "leads_to"),
    [
        ("/accounts/login/", "/studio/"),
        ("/accounts/login/?next=/usage/", "/usage/"),
        ("/accounts/login/?next=https://example.com/", "/studio/"),
        ("/accounts/signup/", "/studio/"),
    ],
)
def test_second_tab_leads_on_when_the_first_has_signed_in(
    alice: User, path: str, leads_to: str
) -> None:
    browser = Client(enforce_csrf_checks=True)
    first, second = (open_form(browser, where) for where in ("/accounts/login/", path))
    assert browser.post("/accounts/login/", first)["Location"] == "/studio/"
    answer = browser.post(path, second)
    assert (answer.status_code, answer["Location"]) == (302, leads_to)
    assert "You are already signed in as alice." in browser.get(leads_to).content.decode()


def test_other_forms_are_refused_when_their_token_is_of_before(alice: User) -> None:
    browser = Client(enforce_csrf_checks=True)
    token = open_form(browser, "/accounts/login/")
    browser.post("/accounts/login/", token)
    assert browser.post("/studio/", {**token, "prompt": "A boat"}).status_code == 403
    assert Client(enforce_csrf_checks=True).post("/accounts/login/", token).status_code == 403


@pytest.mark.parametrize(
    ("path", "method", "body", "status"),
    [
        ("/api/videos", "post", {"prompt": "A", "seed": None, "seconds": None, "model": None}, 201),
        ("/api/videos/text-to-video", "post", {"prompt": "A", "webhook_url": None}, 200),
        ("/api/videos/quote", "post", {"model": None, "size": None, "audio": None}, 200),
        ("/api/users/profile", "put", {"name": "Ann", "avatar_url": None}, 200),
        ("/api/users/api-keys", "post", {"name": "k", "scopes": None}, 201),
    ],
)
def test_field_is_left_out_when_it_is_null(
    alice: User, path: str, method: str, body: dict[str, Any], status: int
) -> None:
    client = signed_in(alice)
    answer = getattr(client, method)(path, body, format="json")
    assert answer.status_code == status, answer.content


def test_field_is_refused_when_it_is_required_and_null(api: APIClient) -> None:
    answer = api.post("/api/videos", {"prompt": None}, format="json")
    assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["body", "prompt"])
