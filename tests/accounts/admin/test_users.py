"""Staff create, lock and restore accounts of users, and set passwords."""

import re
from datetime import timedelta
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.auth import api_keys
from accounts.models import ApiKey, User
from accounts.people import deletion as people_deletion
from billing.ledger import credits, invariants
from config.lib.admin.long_lists import MOST_COUNTED
from tests.conftest import create_user, signed_in
from tests.markup import flat
from tests.videos.conftest import completed, order
from tests.videos.conftest import mp4 as mp4  # noqa: PLC0414
from videos.account import deletion as account_deletion
from videos.jobs import removal

DAYS = timedelta(days=1)
TABLE = r'<div class="module related-rows" id="{}">(.*?)</table>'


def rows_of(text: str, table: str) -> list[list[str]]:
    """The words in the cells of a table on a user's page."""
    found = re.search(TABLE.format(table), text)
    assert found, f"there is no table {table}"
    body = found[1].split("<tbody>")[1]
    rows = [re.findall("<td[^>]*>(.*?)</td>", row) for row in body.split("</tr>")[:-1]]
    return [[re.sub("<[^>]+>", "", cell).strip() for cell in row] for row in rows]


def test_page_of_a_user_shows_what_support_asks_about(
    staff_client: Client, alice: User, bob: User, mp4: bytes
) -> None:
    completed(order(alice, "A harbour"), mp4)
    removal.delete(completed(order(alice, "A forest"), mp4))
    order(bob, "Not hers")
    now = timezone.now()
    payment = {"package": "trial", "name": "Trial Pack", "currency": "CNY", "credits": 100}
    times = {"created_at": now, "session_expires_at": now}
    alice.payments.create(amount_minor=990, status="succeeded", **payment, **times)
    browser = Client(headers={"user-agent": "Mozilla/5.0 (X11; Linux) Firefox/150"})
    browser.post("/accounts/login/", {"login": "alice", "password": "alice-password"})
    signed_in(alice)
    path = f"/admin/accounts/user/{alice.pk}/"
    staff_client.post(f"{path}note/", {"text": "Asked for a receipt"})
    text = flat(staff_client.get(f"{path}change/"))
    assert re.findall('class="big-number">(.*?)</p>', text)[:3] == ["60", "1", "¥9.90"]
    assert [row[1:4] for row in rows_of(text, "videos")] == [
        ["A forest", "Deleted", "20"],
        ["A harbour", "Done", "20"],
    ]
    assert [row[1:] for row in rows_of(text, "payments")] == [["Trial Pack", "¥9.90", "Paid"]]
    assert [row[0] for row in rows_of(text, "sign-ins")] == [
        "Firefox, Linux",
        "Program with a token",
    ]
    assert [row[1:] for row in rows_of(text, "notes")] == [["staff", "Note: Asked for a receipt"]]
    assert re.findall("<h1>(.*?)</h1>", text) == ["alice"]
    alice.refresh_from_db()
    assert alice.password not in text
    assert rows_of(text, "entries") != []


def test_page_of_a_user_hides_what_staff_may_not_see(alice: User, mp4: bytes) -> None:
    completed(order(alice, "A harbour"), mp4)
    helper, page = create_user("helper", is_staff=True), Client()
    helper.user_permissions.add(Permission.objects.get(codename="view_user"))
    page.force_login(helper)
    path = f"/admin/accounts/user/{alice.pk}/"
    text = flat(page.get(f"{path}change/"))
    hidden = [re.search(TABLE.format(name), text) for name in ("videos", "payments", "entries")]
    assert hidden == [None, None, None]
    assert f"{path}note/" not in text
    assert page.get(f"{path}note/").status_code == 403


def test_note_is_refused_when_it_is_empty(staff_client: Client, alice: User) -> None:
    path = f"/admin/accounts/user/{alice.pk}/note/"
    assert "text" in staff_client.post(path, {"text": " "}).context["form"].errors
    assert staff_client.get(f"/admin/accounts/user/{uuid4()}/note/").status_code == 404


def login(name: str) -> int:
    body = {"username": name, "password": f"{name}-password"}
    return APIClient().post("/api/auth/login", body, format="json").status_code


def restore_account(staff_client: Client, user: User) -> str:
    form = {"action": "restore", "_selected_action": [str(user.pk)]}
    answer = staff_client.post("/admin/accounts/user/", form, follow=True)
    return str(next(iter(answer.context["messages"])))


def test_staff_restore_an_account_when_30_days_have_not_passed(
    staff_client: Client, alice: User
) -> None:
    account_deletion.request_deletion(alice)
    assert (restore_account(staff_client, alice), login("alice")) == ("You restored alice.", 200)
    refusal = "Only an account whose deletion was requested in the last 30 days can be restored."
    assert restore_account(staff_client, alice) == f"alice: {refusal}"
    account_deletion.request_deletion(alice)
    User.objects.update(deletion_requested_at=timezone.now() - 31 * DAYS)
    assert restore_account(staff_client, alice).endswith(refusal)


def test_sessions_and_keys_end_when_staff_lock_the_account(
    staff_client: Client, api: APIClient, alice: User
) -> None:
    api_keys.issue(alice, "k", ["read"])
    form = {"action": "lock", "_selected_action": [str(alice.pk)], "confirm": "1", "reason": "spam"}
    assert staff_client.post("/admin/accounts/user/", form).status_code == 302
    assert not User.objects.get(pk=alice.pk).is_active
    assert (api.get("/api/auth/me").status_code, ApiKey.objects.active().count()) == (401, 0)
    people_deletion.unlock(alice)
    assert api.get("/api/auth/me").status_code == 401
    assert signed_in(alice).get("/api/auth/me").status_code == 200


def test_account_stays_closed_when_staff_save_the_form_with_is_active(
    staff_client: Client, alice: User
) -> None:
    """Otherwise the user could sign in, and the account would be erased nevertheless."""
    account_deletion.request_deletion(alice)
    path = f"/admin/accounts/user/{alice.pk}/change/"
    form = {"username": "alice", "email": alice.email, "language": "en", "is_active": "on"}
    assert staff_client.post(path, form).status_code == 302
    assert not User.objects.get(pk=alice.pk).is_active


@pytest.mark.parametrize("usable", ["true", "false"])
def test_sessions_end_when_staff_set_another_password(
    staff_client: Client, api: APIClient, alice: User, usable: str
) -> None:
    new = "another-long-passphrase"
    form = {"password1": new, "password2": new, "usable_password": usable}
    form |= {"unset-password": ""} if usable == "false" else {}
    assert staff_client.post(f"/admin/accounts/user/{alice.pk}/password/", form).status_code == 302
    assert api.get("/api/auth/me").status_code == 401
    assert User.objects.get(pk=alice.pk).check_password(new) is (usable == "true")


def test_user_gets_welcome_credits_when_staff_create_the_account(staff_client: Client) -> None:
    word = "another-long-passphrase"
    form = {"username": "vera", "password1": word, "password2": word, "usable_password": "true"}
    assert staff_client.post("/admin/accounts/user/add/", form).status_code == 302
    assert credits.available(User.objects.get(username="vera")) == 100
    assert invariants.problems() == []


@pytest.mark.parametrize(
    "lookup",
    ["is_superuser__exact", "is_staff", "groups__id__exact", "must_change_password", "password"],
)
def test_staff_cannot_filter_users_by_what_they_may_not_see(db: None, lookup: str) -> None:
    reader = create_user("reader", is_staff=True)
    reader.user_permissions.add(Permission.objects.get(codename="view_user"))
    client = Client()
    client.force_login(reader)
    path = "/admin/accounts/user/"
    assert client.get(f"{path}?is_active__exact=1").status_code == 200
    assert client.get(f"{path}?{lookup}=1").status_code == 400


def test_staff_cannot_delete_a_user_row(staff_client: Client, alice: User) -> None:
    assert (
        staff_client.post(f"/admin/accounts/user/{alice.pk}/delete/", {"post": "yes"}).status_code
        == 403
    )


def test_action_on_all_rows_is_refused_when_the_list_names_only_a_part_of_them(
    staff_client: Client,
) -> None:
    locked = [
        User(username=f"locked{n}", email=f"locked{n}@example.com", is_active=False)
        for n in range(MOST_COUNTED)
    ]
    User.objects.bulk_create(locked)
    asked = {"action": "unlock", "select_across": "1", "_selected_action": [str(locked[0].pk)]}

    answer = staff_client.post("/admin/accounts/user/", asked, follow=True)

    assert "The list has more rows than it shows." in answer.content.decode()
    assert User.objects.filter(is_active=True, username__startswith="locked").count() == 0


def test_search_reads_the_table_of_users_once(staff_client: Client, alice: User, bob: User) -> None:
    with CaptureQueriesContext(connection) as queries:
        answer = staff_client.get("/admin/accounts/user/?q=alice@example")
    assert [user.pk for user in answer.context["cl"].result_list] == [alice.pk]
    searches = [query["sql"] for query in queries if "LIKE" in query["sql"]]
    assert [" IN (" in sql for sql in searches] == [False, True]
    assert "alice@example.com" in answer.content.decode()
    nobody = staff_client.get("/admin/accounts/user/?q=nobody")
    assert list(nobody.context["cl"].result_list) == []


def test_pages_of_users_say_in_words_what_holds(staff_client: Client, alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(is_active=False)
    path = "/admin/accounts/user/"
    shown = flat(staff_client.get(f"{path}{alice.pk}/change/"))
    listed = flat(staff_client.get(path))
    texts = ("May open this staff site", "Designates", "icon-yes", "icon-no", "locked", ">off<")
    assert [text in shown for text in texts] == [True, False, False, False, True, True]
    assert ("icon-yes" in listed, "icon-no" in listed, ">locked<" in listed) == (False, False, True)
