"""Which language a page speaks: the profile's, else the cookie's, else the browser's."""

import pytest
from django.conf import LazySettings
from django.test import Client
from django.utils import translation
from rest_framework.test import APIClient

from accounts.models import User
from accounts.people import languages, signup
from billing.ledger import credits


def spoken(client: Client, path: str = "/accounts/login/", **headers: str) -> str:
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
def test_the_browser_is_followed(db: None, asked: str, code: str) -> None:
    assert spoken(Client(), **{"accept-language": asked}) == code


def test_programs_are_answered_in_the_documented_words(stranger: APIClient) -> None:
    answer = stranger.get("/api/payments/packages", headers={"accept-language": "ja"})
    assert answer["Content-Language"] == "en"
    body = {"prompt": "A kite", "model": "sora-2", "seconds": "4"}
    refused = {"detail": "Insufficient credits. You need 20 credits but only have 0 available."}
    credits.spend(User.objects.get(), 100, "all", credits.Purpose())
    answer = stranger.post("/api/videos", body, format="json", headers={"accept-language": "ja"})
    assert (answer.status_code, answer.json()["detail"]) == (402, refused["detail"])


def test_a_choice_is_kept_in_a_cookie(db: None) -> None:
    client = Client()
    answer = client.post("/language/", {"language": "ko", "next": "/showcase/?order=new"})
    assert (answer.status_code, answer["Location"]) == (302, "/showcase/?order=new")
    assert spoken(client, **{"accept-language": "ja"}) == "ko"


def test_the_profile_wins(page: Client, alice: User) -> None:
    page.cookies["django_language"] = "ko"
    User.objects.update(language="zh-TW")
    assert spoken(page, "/settings/", **{"accept-language": "ja"}) == "zh-hant"


def test_a_choice_goes_into_the_profile(page: Client, alice: User) -> None:
    page.post("/language/", {"language": "zh-hans"})
    alice.refresh_from_db()
    assert (alice.language, spoken(page, "/settings/")) == ("zh-CN", "zh-hans")


@pytest.mark.parametrize("form", [{"language": "xx"}, {}, {"language": "ko", "next": "//evil.org"}])
def test_what_is_not_ours_is_not_followed(db: None, form: dict[str, str]) -> None:
    assert Client().post("/language/", form)["Location"] == "/"


def test_every_language_of_a_profile_is_one_of_the_site(settings: LazySettings) -> None:
    ours = dict(settings.LANGUAGES)
    assert sorted(languages.DJANGO_CODES.values()) == sorted(ours)
    assert sorted(languages.DJANGO_CODES) == sorted(User.Language.values)


def test_a_new_account_speaks_the_language_it_was_opened_in(db: None) -> None:
    form = {"username": "yuki", "email": "yuki@example.com", "password1": "a-long-passphrase"}
    Client(headers={"accept-language": "ja"}).post("/accounts/signup/", form)
    assert User.objects.get(username="yuki").language == "ja"
    translation.activate("en")
    assert signup.open_account("tom", "tom@example.com", None).language == "en"
