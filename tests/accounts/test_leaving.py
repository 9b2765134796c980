"""DELETE /api/users/account, the 30 days after it, and coming back."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from allauth.account.models import EmailAddress
from django.core.files.storage import default_storage
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.auth import api_keys, tokens
from accounts.models import ApiKey, Session, User
from accounts.people import deletion as people_deletion
from billing.ledger import credits, invariants
from tests.conftest import signed_in
from tests.videos.conftest import completed, mp4, order, picture, running, upload
from tests.videos.test_socket import Dial, dial, token_of
from videos.account import deletion as account_deletion
from videos.library import share_links
from videos.media import files, uploads
from videos.models import Collection, Preset, ShareLink, Video, VideoEvent
from videos.reports import refund_audit as videos_audit

FIXTURES = (dial, mp4)
PATH = "/api/users/account"
GONE = "Account deletion requested. Your account will be deleted within 30 days."
DAYS = timedelta(days=1)


def leave(client: APIClient, **body: Any) -> Any:
    return client.delete(PATH, body or {"password": "alice-password"}, format="json")


def login(name: str) -> int:
    body = {"username": name, "password": f"{name}-password"}
    return APIClient().post("/api/auth/login", body, format="json").status_code


def test_every_way_in_ends_at_once(api: APIClient, alice: User) -> None:
    page = Client()
    page.force_login(alice)
    refresh = tokens.sign_in(alice, Session.Grant.PASSWORD).refresh
    key = APIClient(headers={"X-API-Key": api_keys.issue(alice, "k", ["read"])[1]})
    answer = leave(api)
    assert (answer.status_code, answer.json()) == (200, {"message": GONE})
    assert [c.get("/api/auth/me").status_code for c in (api, page, key)] == [401, 401, 401]
    renewed = APIClient().post("/api/auth/refresh", {"refresh_token": refresh}, format="json")
    assert (renewed.status_code, login("alice")) == (401, 401)
    assert ApiKey.objects.active().count() == 0


def test_nothing_old_works_when_taken_back(api: APIClient, alice: User) -> None:
    page = Client()
    page.force_login(alice)
    key = APIClient(headers={"X-API-Key": api_keys.issue(alice, "k", ["read"])[1]})
    leave(api)
    people_deletion.restore(alice)
    assert [c.get("/api/auth/me").status_code for c in (api, page, key)] == [401, 401, 401]
    assert login("alice") == 200


def test_open_sockets_end_at_once(dial: Dial, alice: User) -> None:
    sockets = [dial(subprotocols=["bearer", token_of(alice)]) for _ in range(2)]
    for socket in sockets:
        socket.hear()
        socket.raw.settimeout(5)
    account_deletion.request_deletion(alice)
    assert [socket.closed() for socket in sockets] == [4401, 4401]


def test_running_videos_end_and_their_credits_come_back(api: APIClient, alice: User) -> None:
    videos = [order(alice), running(order(alice))]
    assert credits.available(alice) == 60
    leave(api)
    assert credits.available(alice) == 100
    assert {Video.objects.get(pk=video.pk).status for video in videos} == {"cancelled"}
    assert [*invariants.problems(), *videos_audit.findings()] == []


def test_a_video_ordered_in_the_last_moment_ends_with_the_next_sweep(alice: User) -> None:
    people_deletion.request_deletion(alice)
    order(alice)
    account_deletion.erase_due_accounts()
    assert (Video.objects.get().status, credits.available(alice)) == ("cancelled", 100)


@pytest.mark.parametrize(
    ("body", "status"),
    [({"password": "wrong"}, 401), ({"x": 1}, 422), ({"password": None}, 422), ([1], 422)],
)
def test_refused_without_the_right_password(api: APIClient, body: Any, status: int) -> None:
    answer = api.delete(PATH, body, format="json")
    assert (answer.status_code, User.objects.get().is_active) == (status, True)


def test_no_password_is_asked_for_where_there_is_none(api: APIClient, alice: User) -> None:
    alice.set_unusable_password()
    alice.save()
    assert api.delete(PATH).status_code == 200


def test_refused_when_anonymous_or_by_key(anonymous: APIClient, alice: User) -> None:
    key = APIClient(headers={"X-API-Key": api_keys.issue(alice, "k", ApiKey.Scope.values)[1]})
    assert (leave(anonymous).status_code, leave(key).status_code) == (401, 403)
    assert User.objects.get().is_active


# ---- 30 days later ----


def test_nothing_is_forgotten_before_the_day(alice: User) -> None:
    account_deletion.request_deletion(alice)
    with time_machine.travel(timezone.now() + 30 * DAYS - timedelta(minutes=1)):
        account_deletion.erase_due_accounts()
    assert User.objects.get().email == "alice@example.com"


def test_all_that_says_who_it_was_is_forgotten(
    alice: User, bob: User, live: object, work: Callable[..., None], mp4: bytes
) -> None:
    reference = uploads.store_image(alice, upload(picture()))
    video = completed(order(alice, "A private boat", reference=reference), mp4)
    VideoEvent.objects.filter(video=video).update(note="said something")
    EmailAddress.objects.create(user=alice, email=alice.email)
    Collection.objects.create(user=alice, name="My boats")
    Preset.objects.create(user=alice, name="Mine", model="m", size="s", seconds=4)
    share_links.create_link(video)
    names = [*files.storage_names(video).values(), str(reference.file.name)]
    assert len(names) == 4
    assert [name for name in names if not default_storage.exists(name)] == []
    his = order(bob)
    account_deletion.request_deletion(alice)
    User.objects.filter(pk=alice.pk).update(deletion_requested_at=timezone.now() - 31 * DAYS)
    account_deletion.erase_due_accounts()
    account_deletion.erase_due_accounts()
    work(lambda: not any(default_storage.exists(name) for name in names))
    row = User.objects.get(pk=alice.pk)
    assert (row.username, row.email, row.name) == (f"deleted-{row.pk.hex}", "", row.username)
    assert (row.is_active, row.has_usable_password()) == (False, False)
    gone = Video.objects.get(user=alice)
    assert (gone.prompt, gone.failure_detail, gone.reference) == ("", "", None)
    assert set(VideoEvent.objects.filter(video=gone).values_list("note", flat=True)) == {""}
    left = [EmailAddress.objects.count(), alice.uploads.count(), alice.api_sessions.count()]
    assert left == [0, 0, 0]
    assert [kind.objects.count() for kind in (Collection, Preset, ShareLink)] == [0, 0, 0]
    lines = [(e.type, e.amount, e.description) for e in credits.history(alice)]
    assert lines == [("spent", -25, ""), ("bonus", 100, "")]
    assert [*invariants.problems(), *videos_audit.findings()] == []
    assert Video.objects.get(pk=his.pk).deleted_at is None


def test_name_and_address_are_free_when_forgotten(anonymous: APIClient, alice: User) -> None:
    body = {"username": "alice", "email": "alice@example.com", "password": "tin-lantern-9"}
    account_deletion.request_deletion(alice)
    assert anonymous.post("/api/auth/register", body, format="json").status_code == 422
    with time_machine.travel(timezone.now() + 31 * DAYS):
        account_deletion.erase_due_accounts()
        assert anonymous.post("/api/auth/register", body, format="json").status_code == 201


# ---- staff ----


def take_back(staff_client: Client, user: User) -> str:
    form = {"action": "restore", "_selected_action": [str(user.pk)]}
    answer = staff_client.post("/admin/accounts/user/", form, follow=True)
    return str(next(iter(answer.context["messages"])))


def test_staff_take_somebody_back_until_then(staff_client: Client, alice: User) -> None:
    account_deletion.request_deletion(alice)
    assert (take_back(staff_client, alice), login("alice")) == ("You restored alice.", 200)
    refusal = "Only an account whose deletion was requested in the last 30 days can be restored."
    assert take_back(staff_client, alice) == f"alice: {refusal}"
    account_deletion.request_deletion(alice)
    User.objects.update(deletion_requested_at=timezone.now() - 31 * DAYS)
    assert take_back(staff_client, alice).endswith(refusal)


def test_whoever_staff_lock_is_out_at_once(
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


def test_who_comes_in_is_not_a_tick_in_a_form(staff_client: Client, alice: User) -> None:
    """Somebody who left would be let in, and still be forgotten."""
    account_deletion.request_deletion(alice)
    path = f"/admin/accounts/user/{alice.pk}/change/"
    form = {"username": "alice", "email": alice.email, "language": "en", "is_active": "on"}
    assert staff_client.post(path, form).status_code == 302
    assert not User.objects.get(pk=alice.pk).is_active


@pytest.mark.parametrize("usable", ["true", "false"])
def test_a_password_that_staff_set_ends_what_the_old_one_opened(
    staff_client: Client, api: APIClient, alice: User, usable: str
) -> None:
    new = "another-long-passphrase"
    form = {"password1": new, "password2": new, "usable_password": usable}
    form |= {"unset-password": ""} if usable == "false" else {}
    assert staff_client.post(f"/admin/accounts/user/{alice.pk}/password/", form).status_code == 302
    assert api.get("/api/auth/me").status_code == 401
    assert User.objects.get(pk=alice.pk).check_password(new) is (usable == "true")


def test_whoever_staff_add_is_welcomed_like_everybody(staff_client: Client) -> None:
    word = "another-long-passphrase"
    form = {"username": "vera", "password1": word, "password2": word, "usable_password": "true"}
    assert staff_client.post("/admin/accounts/user/add/", form).status_code == 302
    assert credits.available(User.objects.get(username="vera")) == 100
    assert invariants.problems() == []


def test_staff_cannot_delete_a_row_the_books_name(staff_client: Client, alice: User) -> None:
    assert (
        staff_client.post(f"/admin/accounts/user/{alice.pk}/delete/", {"post": "yes"}).status_code
        == 403
    )
