"""Who may open an account: closed, by invitation, and only at some domains; on every way in."""

import re
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from django.conf import LazySettings
from django.db import connection
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import Invitation, User
from accounts.people import invitations, signup
from accounts.people.admission import NotAdmitted
from tests.accounts.conftest import sign_in_with_code
from tests.accounts.google_provider import GoogleProvider
from tests.concurrency import run_concurrently
from tests.config.production import run_in_production
from tests.conftest import create_user
from tests.markup import flat

ANN = {"username": "ann", "email": "ann@example.com", "password1": "tin-lantern-9"}


@pytest.fixture(autouse=True)
def _no_rate_limit(settings: LazySettings) -> None:
    settings.RATE_SIGN_IN = settings.RATE_AUTH = (0, 0)


@pytest.fixture
def staff(db: None) -> User:
    return create_user("staff", is_staff=True)


@pytest.fixture
def token(staff: User, settings: LazySettings) -> str:
    """The token of an invitation, where accounts need one."""
    settings.SIGN_UP = "invitation"
    return invitations.create(staff, "Ann")[1].split("/")[-2]


def register(**body: str) -> tuple[int, str]:
    """Open Ann's account by API; return the status and the code of an error."""
    sent = {"email": "ann@example.com", "password": "tin-lantern-9", **body}
    answer = APIClient().post("/api/auth/register", sent, format="json")
    return answer.status_code, answer.json().get("code", "")


def sign_up_on_page(token: str = "", **changes: str) -> Any:
    browser = Client()
    if token:
        assert browser.get(f"/join/{token}/")["Location"] == "/accounts/signup/"
    return browser.post("/accounts/signup/", {**ANN, **changes})


def is_ann_there() -> bool:
    return User.objects.filter(email="ann@example.com").exists()


def test_nobody_gets_an_account_when_sign_up_is_closed(
    google: GoogleProvider, token: str, settings: LazySettings
) -> None:
    settings.SIGN_UP = "closed"
    assert register(invitation=token) == (403, "sign_up_closed")
    assert "Sign-up is closed" in flat(sign_up_on_page(token))
    google.person["email"] = "ann@example.com"
    refused = sign_in_with_code(google)
    assert (refused.status_code, refused.json()["code"]) == (403, "sign_up_closed")
    assert (is_ann_there(), SocialAccount.objects.count()) == (False, 0)
    with pytest.raises(NotAdmitted):
        signup.open_account("ann", "ann@example.com", None)


def test_accounts_that_exist_sign_in_when_sign_up_is_closed(
    google: GoogleProvider, settings: LazySettings, db: None
) -> None:
    vera = create_user("vera", is_verified=True)
    settings.SIGN_UP = "closed"
    assert sign_in_with_code(google).status_code == 200
    page = Client().post("/accounts/login/", {"login": "vera", "password": "vera-password"})
    assert (page.status_code, SocialAccount.objects.get().user) == (302, vera)


def test_one_account_is_opened_when_there_is_an_invitation(token: str, staff: User) -> None:
    assert register() == (403, "invitation_needed")
    assert register(invitation="x") == (403, "invitation_needed")
    assert sign_up_on_page(token)["Location"] == "/welcome/"
    used = Invitation.objects.get()
    assert (used.used_by, used.used_at is not None) == (User.objects.get(username="ann"), True)
    assert register(email="bo@example.com", invitation=token) == (403, "invitation_needed")
    page = flat(sign_up_on_page(token, username="bo", email="bo@example.com"))
    assert "This invitation has been used or is no longer valid. Ask for a new one." in page


def test_one_account_is_opened_by_api_when_there_is_an_invitation(token: str) -> None:
    assert register(invitation=token) == (201, "")
    assert register(email="bo@example.com", invitation=token) == (403, "invitation_needed")


def test_google_opens_an_account_only_with_an_invitation(
    google: GoogleProvider, token: str
) -> None:
    assert sign_in_with_code(google).json()["code"] == "invitation_needed"
    assert sign_in_with_code(google, invitation=token).status_code == 200
    google.person |= {"sub": "1002", "email": "bo@example.com"}
    assert sign_in_with_code(google, invitation=token).json()["code"] == "invitation_needed"


def test_invitation_is_kept_when_nothing_was_opened(token: str) -> None:
    create_user("ann")
    assert register(invitation=token, email="new@example.com", username="ann") == (400, "taken")
    assert invitations.is_usable(token)


@pytest.mark.django_db(transaction=True)
def test_one_of_many_gets_the_account_when_they_use_an_invitation_at_once(
    settings: LazySettings,
) -> None:
    settings.SIGN_UP = "invitation"
    token = invitations.create(create_user("staff", is_staff=True))[1].split("/")[-2]

    def open_one(number: int) -> bool:
        try:
            signup.store_account(
                f"p{number}", f"p{number}@example.com", password="!", invitation=token
            )
        except NotAdmitted:
            return False
        return True

    won = run_concurrently([partial(open_one, number) for number in range(4)])
    assert sorted(won) == [False, False, False, True]
    opened = User.objects.get(username__startswith="p")
    assert Invitation.objects.get().used_by == opened


@pytest.mark.parametrize("ended", ["expired", "withdrawn", "locked"])
def test_invitation_opens_nothing_when_it_has_ended(token: str, staff: User, ended: str) -> None:
    if ended == "expired":
        Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    elif ended == "withdrawn":
        assert invitations.withdraw(staff, Invitation.objects.get().pk)
    else:
        User.objects.filter(pk=staff.pk).update(is_active=False)
    assert register(invitation=token) == (403, "invitation_needed")


def test_only_addresses_at_the_domains_sign_up(
    google: GoogleProvider, settings: LazySettings, db: None
) -> None:
    settings.SIGN_UP_DOMAINS, settings.HIDE_REGISTERED_ADDRESSES = ["example.com"], True
    for address in ("ann@other.com", "ann@sub.example.com", "ann@example.com.evil.com"):
        assert register(email=address) == (403, "address_not_admitted")
        page = flat(sign_up_on_page(email=address))
        assert "Only e-mail addresses at these domains can sign up: example.com." in page
    google.person["email"] = "ann@other.com"
    assert sign_in_with_code(google).json()["code"] == "address_not_admitted"
    google.person |= {"email": "vera@example.com", "email_verified": False}
    assert sign_in_with_code(google).json()["code"] == "address_not_admitted"
    assert User.objects.count() == 0
    assert register(email="ANN@Example.COM") == (202, "")
    # Whoever types an address has to prove it before the first sign-in.
    sent = {"email": "ann@example.com", "password": "tin-lantern-9"}
    assert APIClient().post("/api/auth/login", sent, format="json").status_code == 401


def test_invitation_is_used_up_alike_when_the_address_has_an_account(
    token: str, settings: LazySettings
) -> None:
    settings.HIDE_REGISTERED_ADDRESSES = True
    ann = create_user("ann", is_verified=True)
    EmailAddress.objects.create(user=ann, email=ann.email, verified=True)
    assert register(invitation=token) == (202, "")
    assert Invitation.objects.get().used_by is None
    assert register(email="new@example.com", invitation=token) == (403, "invitation_needed")


def test_domains_apply_to_invited_people_too(token: str, settings: LazySettings) -> None:
    settings.SIGN_UP_DOMAINS = ["example.com"]
    refused = register(email="ann@other.com", invitation=token)
    assert (refused, invitations.is_usable(token)) == ((403, "address_not_admitted"), True)


def words_of(path: str, browser: Client | None = None) -> str:
    return str(flat((browser or Client()).get(path)))


@pytest.mark.parametrize("mode", ["open", "invitation", "closed"])
@pytest.mark.parametrize("domains", [[], ["example.com", "example.org"]])
@pytest.mark.parametrize("with_google", [False, True])
def test_pages_say_what_is_possible(
    mode: str,
    domains: list[str],
    with_google: bool,
    settings: LazySettings,
    request: pytest.FixtureRequest,
    db: None,
) -> None:
    if with_google:
        request.getfixturevalue("google")
    settings.SIGN_UP, settings.SIGN_UP_DOMAINS = mode, domains
    sign_in, sign_up = words_of("/accounts/login/"), words_of("/accounts/signup/")
    says = {
        "Create an account</a>": mode == "open",
        "New accounts need an invitation. Open the link that you were sent.": mode == "invitation",
        "Sign-up is closed.": mode == "closed",
        "Every way to sign in needs an account": mode == "closed" and with_google,
        "Continue with Google": with_google,
        "at example.com, example.org.": bool(domains) and mode != "closed",
    }
    assert {text: text in sign_in for text in says} == says
    says = {
        'name="password1"': mode == "open",
        "By invitation": mode == "invitation",
        "Sign-up is closed": mode == "closed",
        "Continue with Google": with_google and mode == "open",
        "at example.com, example.org.": bool(domains) and mode != "closed",
    }
    assert {text: text in sign_up for text in says} == says


def test_form_is_shown_when_the_link_of_an_invitation_was_opened(token: str) -> None:
    browser = Client()
    browser.get(f"/join/{token}/")
    page = words_of("/accounts/signup/", browser)
    assert ("You are invited." in page, 'name="password1"' in page) == (True, True)
    assert invitations.is_usable(token)


def test_link_is_shown_once_when_staff_make_an_invitation(
    staff: User, settings: LazySettings
) -> None:
    settings.SIGN_UP = "invitation"
    browser = Client()
    browser.force_login(staff)
    answer = browser.post("/settings/invitations/", {"note": "Ann of Acme"})
    found = re.search(r"/join/([\w-]+)/", answer.content.decode())
    assert found
    assert (answer.status_code, answer["Cache-Control"]) == (201, "no-store")
    page = words_of("/settings/invitations/", browser)
    assert ("Ann of Acme" in page, found[1] in page) == (True, False)
    assert invitations.is_usable(found[1])
    row = Invitation.objects.get()
    assert browser.post(f"/settings/invitations/{row.pk}/withdraw/").status_code == 302
    assert browser.post(f"/settings/invitations/{row.pk}/withdraw/").status_code == 404
    assert browser.post("/settings/invitations/", {"note": "x" * 81}).status_code == 422


def test_users_make_so_many_invitations_when_they_may(settings: LazySettings, db: None) -> None:
    settings.SIGN_UP, settings.INVITATIONS_PER_USER = "invitation", 1
    ann, bo, browser = create_user("ann"), create_user("bo"), Client()
    assert browser.get("/settings/invitations/").status_code == 302
    browser.force_login(ann)
    assert browser.get("/settings/invitations/").status_code == 404
    assert "/settings/invitations/" not in words_of("/settings/", browser)
    settings.INVITATIONS_BY = "users"
    assert "/settings/invitations/" in words_of("/settings/", browser)
    assert [browser.post("/settings/invitations/").status_code for _n in range(2)] == [201, 422]
    browser.force_login(bo)
    assert "Unused" not in words_of("/settings/invitations/", browser)
    of_ann = f"/settings/invitations/{Invitation.objects.get().pk}/withdraw/"
    assert browser.post(of_ann).status_code == 404
    browser.force_login(create_user("staff", is_staff=True))
    assert browser.post(of_ann).status_code == 302


def test_list_takes_as_many_queries_when_there_are_more(
    staff: User, settings: LazySettings, django_assert_num_queries: Any
) -> None:
    settings.SIGN_UP = "invitation"
    browser = Client()
    browser.force_login(staff)
    browser.get("/settings/invitations/")
    counts = []
    for _n in range(2):
        invitations.create(staff)
        with django_assert_num_queries(99, exact=False) as taken:
            browser.get("/settings/invitations/")
        counts.append(len(taken))
    assert counts[0] == counts[1], connection.vendor


def test_invitation_opens_nothing_when_its_maker_may_no_longer_invite(
    token: str, staff: User
) -> None:
    assert invitations.is_usable(token)
    User.objects.filter(pk=staff.pk).update(is_staff=False)
    assert not invitations.is_usable(token)


@pytest.mark.parametrize("name", ["%E2%82%AC", "%FF%FE", "a%20b", "a%0D%0Ab"])
def test_hostile_links_of_invitations_are_404(db: None, name: str) -> None:
    assert Client().get(f"/join/{name}/").status_code == 404


def test_provider_tells_nobody_which_addresses_have_accounts_when_sign_up_is_closed(
    google: GoogleProvider, settings: LazySettings, db: None
) -> None:
    settings.SIGN_UP = "closed"
    create_user("vera", is_verified=True)
    answers = []
    for address in ("vera@example.com", "nobody@example.com"):
        google.person = {**google.person, "email": address, "email_verified": False}
        answer = sign_in_with_code(google)
        answers.append((answer.status_code, answer.json()))
    assert answers[0] == answers[1]
    assert answers[0][1]["code"] == "sign_up_closed"


def test_old_invitations_are_deleted(token: str, settings: LazySettings) -> None:
    invitations.delete_old()
    assert Invitation.objects.count() == 1
    Invitation.objects.update(expires_at=timezone.now() - 2 * settings.INVITATION_LIFETIME)
    invitations.delete_old()
    assert Invitation.objects.count() == 0


def test_start_is_refused_when_addresses_need_not_be_proved(tmp_path: Any) -> None:
    given = {"SIGN_UP_DOMAINS": "example.com", "HIDE_REGISTERED_ADDRESSES": "0"}
    process = run_in_production(tmp_path, "import config.settings", **given)
    refusal = "SIGN_UP_DOMAINS: needs HIDE_REGISTERED_ADDRESSES=1"
    assert (process.returncode, refusal in process.stderr) == (1, True)
