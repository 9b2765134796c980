"""The language of a page: of the profile, else of the cookie, else of the browser."""

import pytest
from django.conf import LazySettings
from django.test import Client
from django.utils import translation
from rest_framework.test import APIClient

from accounts.models import User
from accounts.people import languages, signup
from billing.ledger import credits


def content_language(client: Client, path: str = "/accounts/login/", **headers: str) -> str:
    return str(client.get(path, headers=headers)["Content-Language"])


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ("zh-CN", "zh-hans"),
        ("zh-TW,zh;q=0.9", "zh-hant"),
        ("ja", "ja"),
        ("ko-KR", "ko"),
        ("fr", "en"),
    ],
)
def test_page_follows_the_browsers_language(db: None, asked: str, code: str) -> None:
    assert content_language(Client(), **{"accept-language": asked}) == code


def test_api_answers_in_english_when_another_language_is_requested(stranger: APIClient) -> None:
    answer = stranger.get("/api/payments/packages", headers={"accept-language": "ja"})
    assert answer["Content-Language"] == "en"
    body = {"prompt": "A kite", "model": "sora-2", "seconds": "4"}
    refused = {"detail": "Insufficient credits. You need 20 credits but only have 0 available."}
    credits.spend(User.objects.get(), 100, "all", credits.Purpose())
    answer = stranger.post("/api/videos", body, format="json", headers={"accept-language": "ja"})
    assert (answer.status_code, answer.json()["detail"]) == (402, refused["detail"])


def test_choice_is_stored_in_a_cookie_when_anonymous(db: None) -> None:
    client = Client()
    answer = client.post("/language/", {"language": "ko", "next": "/showcase/?order=new"})
    assert (answer.status_code, answer["Location"]) == (302, "/showcase/?order=new")
    assert content_language(client, **{"accept-language": "ja"}) == "ko"


def test_profile_language_wins_when_cookie_and_browser_differ(page: Client, alice: User) -> None:
    page.cookies["django_language"] = "ko"
    User.objects.update(language="zh-TW")
    assert content_language(page, "/settings/", **{"accept-language": "ja"}) == "zh-hant"


def test_choice_is_stored_in_the_profile_when_signed_in(page: Client, alice: User) -> None:
    page.post("/language/", {"language": "zh-hans"})
    alice.refresh_from_db()
    assert (alice.language, content_language(page, "/settings/")) == ("zh-CN", "zh-hans")


@pytest.mark.parametrize("form", [{"language": "xx"}, {}, {"language": "ko", "next": "//evil.org"}])
def test_choice_is_ignored_when_language_or_next_is_invalid(db: None, form: dict[str, str]) -> None:
    assert Client().post("/language/", form)["Location"] == "/"


def test_profile_languages_equal_the_sites_languages(settings: LazySettings) -> None:
    ours = dict(settings.LANGUAGES)
    assert sorted(languages.DJANGO_CODES.values()) == sorted(ours)
    assert sorted(languages.DJANGO_CODES) == sorted(User.Language.values)


def test_account_has_the_language_of_the_browser_when_created(db: None) -> None:
    form = {"username": "yuki", "email": "yuki@example.com", "password1": "a-long-passphrase"}
    Client(headers={"accept-language": "ja"}).post("/accounts/signup/", form)
    assert User.objects.get(username="yuki").language == "ja"
    translation.activate("en")
    assert signup.open_account("tom", "tom@example.com", None).language == "en"
