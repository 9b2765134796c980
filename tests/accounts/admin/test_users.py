"""Staff create, lock and restore accounts of users, and set passwords."""

from datetime import timedelta

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
from videos.account import deletion as account_deletion

DAYS = timedelta(days=1)


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
