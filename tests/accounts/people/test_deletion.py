"""DELETE /api/users/account, and the erasure 30 days later."""

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
from tests.videos.conftest import completed, mp4, order, picture, running, upload
from tests.videos.realtime.test_consumers import Connect, connect, token_of
from videos.account import deletion as account_deletion
from videos.library import share_links
from videos.media import files, uploads
from videos.models import Collection, Preset, ShareLink, Video, VideoEvent
from videos.reports import refund_audit as videos_audit

FIXTURES = (connect, mp4)
PATH = "/api/users/account"
DELETION_REQUESTED = "Account deletion requested. Your account will be deleted within 30 days."
DAYS = timedelta(days=1)


def delete_account(client: APIClient, **body: Any) -> Any:
    return client.delete(PATH, body or {"password": "alice-password"}, format="json")


def login(name: str) -> int:
    body = {"username": name, "password": f"{name}-password"}
    return APIClient().post("/api/auth/login", body, format="json").status_code


def test_sessions_tokens_and_keys_end_when_deletion_is_requested(
    api: APIClient, alice: User
) -> None:
    page = Client()
    page.force_login(alice)
    refresh = tokens.sign_in(alice, Session.Grant.PASSWORD).refresh
    key = APIClient(headers={"X-API-Key": api_keys.issue(alice, "k", ["read"])[1]})
    answer = delete_account(api)
    assert (answer.status_code, answer.json()) == (200, {"message": DELETION_REQUESTED})
    assert [c.get("/api/auth/me").status_code for c in (api, page, key)] == [401, 401, 401]
    renewed = APIClient().post("/api/auth/refresh", {"refresh_token": refresh}, format="json")
    assert (renewed.status_code, login("alice")) == (401, 401)
    assert ApiKey.objects.active().count() == 0


def test_old_credentials_stay_invalid_when_the_account_is_restored(
    api: APIClient, alice: User
) -> None:
    page = Client()
    page.force_login(alice)
    key = APIClient(headers={"X-API-Key": api_keys.issue(alice, "k", ["read"])[1]})
    delete_account(api)
    people_deletion.restore(alice)
    assert [c.get("/api/auth/me").status_code for c in (api, page, key)] == [401, 401, 401]
    assert login("alice") == 200


def test_open_sockets_are_closed_when_deletion_is_requested(connect: Connect, alice: User) -> None:
    sockets = [connect(subprotocols=["bearer", token_of(alice)]) for _ in range(2)]
    for socket in sockets:
        socket.receive()
        socket.raw.settimeout(5)
    account_deletion.request_deletion(alice)
    assert [socket.closed() for socket in sockets] == [4401, 4401]


def test_running_videos_are_cancelled_and_refunded_when_deletion_is_requested(
    api: APIClient, alice: User
) -> None:
    videos = [order(alice), running(order(alice))]
    assert credits.available(alice) == 60
    delete_account(api)
    assert credits.available(alice) == 100
    assert {Video.objects.get(pk=video.pk).status for video in videos} == {"cancelled"}
    assert [*invariants.problems(), *videos_audit.findings()] == []


def test_video_is_cancelled_by_the_next_sweep_when_ordered_during_the_request(alice: User) -> None:
    people_deletion.request_deletion(alice)
    order(alice)
    account_deletion.erase_due_accounts()
    assert (Video.objects.get().status, credits.available(alice)) == ("cancelled", 100)


@pytest.mark.parametrize(
    ("body", "status"),
    [({"password": "wrong"}, 401), ({"password": ""}, 422), ([1], 422)],
)
def test_deletion_is_refused_when_the_password_is_wrong(
    api: APIClient, body: Any, status: int
) -> None:
    answer = api.delete(PATH, body, format="json")
    assert (answer.status_code, User.objects.get().is_active) == (status, True)


def test_deletion_needs_no_password_when_the_user_has_none(api: APIClient, alice: User) -> None:
    alice.set_unusable_password()
    alice.save()
    assert api.delete(PATH).status_code == 200


def test_deletion_needs_no_body_when_the_token_is_fresh(api: APIClient) -> None:
    answer = api.delete(PATH)
    assert (answer.status_code, answer.json()) == (200, {"message": DELETION_REQUESTED})
    assert not User.objects.get().is_active


@pytest.mark.parametrize("sends_token", [False, True])
def test_deletion_needs_no_body_when_an_api_key_is_sent(
    api: APIClient, anonymous: APIClient, alice: User, sends_token: bool
) -> None:
    Session.objects.update(created_at=timezone.now() - DAYS)
    key = api_keys.issue(alice, "k", ["generate"])[1]
    answer = (api if sends_token else anonymous).delete(PATH, headers={"X-API-Key": key})
    assert (answer.status_code, answer.json()) == (200, {"message": DELETION_REQUESTED})


def test_deletion_asks_for_a_password_or_a_new_sign_in_when_the_token_is_old(
    api: APIClient,
) -> None:
    Session.objects.update(created_at=timezone.now() - DAYS)
    again = {"detail": "Sign in again to do this.", "code": "sign_in_again"}
    for headers in ({}, {"X-API-Key": ""}):
        answer = api.delete(PATH, headers=headers)
        assert (answer.status_code, answer.json()) == (403, again)
    assert delete_account(api).status_code == 200


def test_deletion_asks_for_the_password_when_a_page_sends_its_cookie(page: Client) -> None:
    answer = page.delete(PATH)
    missing = {"loc": ["body", "password"], "msg": "field required", "type": "value_error.missing"}
    assert (answer.status_code, answer.json()) == (422, {"detail": [missing]})
    assert User.objects.get().is_active


def test_deletion_is_refused_when_anonymous_or_the_key_may_only_read(
    anonymous: APIClient, alice: User
) -> None:
    key = APIClient(headers={"X-API-Key": api_keys.issue(alice, "k", ["read", "billing"])[1]})
    assert (delete_account(anonymous).status_code, delete_account(key).status_code) == (401, 403)
    assert User.objects.get().is_active


# ---- 30 days later ----


def test_account_is_not_erased_when_30_days_have_not_passed(alice: User) -> None:
    account_deletion.request_deletion(alice)
    with time_machine.travel(timezone.now() + 30 * DAYS - timedelta(minutes=1)):
        account_deletion.erase_due_accounts()
    assert User.objects.get().email == "alice@example.com"


def test_personal_data_is_erased_when_30_days_have_passed(
    alice: User, bob: User, live: object, work: Callable[..., None], mp4: bytes
) -> None:
    reference = uploads.store_image(alice, upload(picture()))
    pair = {"first_image": reference, "last_image": reference}
    video = completed(order(alice, "A private boat", **pair), mp4)
    shown = order(alice, "A private kite", references=(reference,))
    VideoEvent.objects.filter(video=video).update(note="said something")
    Video.objects.filter(pk=video.pk).update(negative_prompt="my neighbours")
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
    assert Video.objects.get(pk=shown.pk).images == []
    gone = Video.objects.get(pk=video.pk)
    assert (gone.prompt, gone.negative_prompt, gone.failure_detail) == ("", "", "")
    assert gone.images == []
    assert set(VideoEvent.objects.filter(video=gone).values_list("note", flat=True)) == {""}
    left = [EmailAddress.objects.count(), alice.uploads.count(), alice.api_sessions.count()]
    assert left == [0, 0, 0]
    assert [kind.objects.count() for kind in (Collection, Preset, ShareLink)] == [0, 0, 0]
    entries = [(e.type, e.amount, e.description) for e in credits.history(alice)]
    assert entries == [
        ("refunded", 25, ""), ("spent", -25, ""), ("spent", -25, ""), ("bonus", 100, ""),
    ]  # fmt: skip
    assert [*invariants.problems(), *videos_audit.findings()] == []
    assert Video.objects.get(pk=his.pk).deleted_at is None


def test_username_and_address_are_free_when_the_account_is_erased(
    anonymous: APIClient, alice: User
) -> None:
    body = {"username": "alice", "email": "alice@example.com", "password": "tin-lantern-9"}
    account_deletion.request_deletion(alice)
    assert anonymous.post("/api/auth/register", body, format="json").status_code == 400
    with time_machine.travel(timezone.now() + 31 * DAYS):
        account_deletion.erase_due_accounts()
        assert anonymous.post("/api/auth/register", body, format="json").status_code == 201
