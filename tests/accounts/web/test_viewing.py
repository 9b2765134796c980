"""Staff see pages as a user sees them: nothing changes, nothing of the sign-in is shown."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.contrib.sessions.models import Session
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts.models import User
from accounts.people import viewing
from config.http.viewing import refuse_writes
from config.lib.models import RateCounter
from tests.conftest import create_user
from tests.markup import flat
from tests.videos.conftest import completed, order
from tests.videos.conftest import mp4 as mp4  # noqa: PLC0414
from videos.models import Collection, Video

REASON = {"reason": "Ticket 7"}
BANNER = "You see this page as alice sees it."


def helper(name: str = "helper", *, allowed: bool = True) -> Client:
    user = create_user(name, is_staff=True)
    names = ["view_user", *(["open_as_user"] if allowed else [])]
    user.user_permissions.set(Permission.objects.filter(codename__in=names))
    client = Client()
    client.force_login(user)
    return client


def begin(client: Client, user: User) -> Any:
    return client.post(f"/admin/accounts/user/{user.pk}/view-as/", REASON)


def lines() -> list[str]:
    entries = LogEntry.objects.order_by("pk")
    return [entry.get_change_message().split(" until")[0] for entry in entries]


def everything() -> dict[str, list[Any]]:
    """All rows of all tables but what belongs to the staff who look."""
    own = (Session, RateCounter, LogEntry)
    return {
        model.__name__: list(model._base_manager.order_by("pk").values())
        for model in apps.get_models()
        if model not in own
    }


@pytest.fixture
def video(alice: User, mp4: bytes) -> Video:
    made = completed(order(alice, "A harbour"), mp4)
    order(alice, "A forest")
    Collection.objects.create(user=alice, name="Boats").videos.add(made)
    return made


def test_staff_see_the_pages_of_a_user_and_change_nothing(alice: User, video: Video) -> None:
    client, collection = helper(), Collection.objects.get()
    assert "View as this user" in flat(client.get(f"/admin/accounts/user/{alice.pk}/change/"))
    assert begin(client, alice)["Location"] == "/library/"
    before = everything()
    for path in (
        "/studio/", "/library/", "/library/?q=harbour", "/library/?view=list", "/collections/",
        f"/collections/{collection.pk}/", "/studio/queue/", "/usage/", "/billing/",
        f"/v/{video.pk}/", "/library/?select=1",
    ):  # fmt: skip
        answer = client.get(path)
        assert (path, answer.status_code, answer["Cache-Control"]) == (path, 200, "no-store")
        text = flat(answer)
        assert (BANNER in text, "js/live.js" in text, "/accounts/logout/" in text) == (
            (True, False, False)
        ), path
    assert "A harbour" in flat(client.get("/library/"))
    film = client.get(f"/api/videos/{video.pk}/content?variant=video")
    assert (film.status_code, film["Cache-Control"]) == (200, "no-store")
    assert client.get(f"/v/{video.pk}/card/").status_code == 200
    assert everything() == before
    # What searching counts, counts for the staff.
    assert [row.key for row in RateCounter.objects.all() if str(alice.pk) in row.key] == []


def test_everything_else_is_refused(alice: User, video: Video) -> None:
    client = helper()
    begin(client, alice)
    before = everything()
    for path in (
        "/studio/", f"/v/{video.pk}/delete/", f"/v/{video.pk}/remix/", "/library/delete/",
        "/accounts/logout/", "/settings/", "/theme/", "/language/", "/billing/buy/",
        f"/v/{video.pk}/tags/", "/admin/accounts/user/",
    ):  # fmt: skip
        assert (path, client.post(path).status_code) == (path, 403)
    for path in (
        "/settings/", "/settings/sessions/", "/settings/data/export/", "/developers/keys/",
        "/developers/webhooks/", "/accounts/2fa/", "/accounts/email/", "/settings/invite/",
        "/usage/usage.csv", f"/v/{video.pk}/delete/",
    ):  # fmt: skip
        assert (path, client.get(path).status_code) == (path, 403)
    assert "You view as alice. Nothing was changed." in flat(client.get("/settings/"))
    for method in (client.get, client.post, client.patch, client.delete, client.put):
        refused = method(f"/api/videos/{video.pk}")
        assert (refused.status_code, list(refused.json())) == (403, ["detail"])
    assert client.get("/api/auth/me").status_code == 403
    assert everything() == before


def test_staff_stay_themselves_on_their_own_pages(alice: User, video: Video) -> None:
    client = helper()
    begin(client, alice)
    for path in ("/admin/", "/showcase/", "/help/"):
        text = flat(client.get(path))
        assert (path, "helper" in text, BANNER in text) == (path, True, False)
    assert client.get("/studio").status_code in {301, 302}


def test_begin_and_end_are_lines_of_the_audit_log(alice: User) -> None:
    client = helper()
    begin(client, alice)
    assert client.post("/viewing/stop/")["Location"] == f"/admin/accounts/user/{alice.pk}/change/"
    client.post("/viewing/stop/")
    assert lines() == ["Viewing as the user", "Viewing ended"]
    assert [(entry.object_id, entry.user.username) for entry in LogEntry.objects.all()] == [
        (str(alice.pk), "helper")
    ] * 2
    assert LogEntry.objects.earliest("pk").get_change_message().endswith("UTC: Ticket 7")
    assert BANNER not in flat(client.get("/library/"))
    assert client.get("/settings/").status_code == 200


def test_it_ends_after_30_minutes(alice: User) -> None:
    client = helper()
    begin(client, alice)
    with time_machine.travel(timezone.now() + timedelta(minutes=29)):
        assert BANNER in flat(client.get("/library/"))
    with time_machine.travel(timezone.now() + timedelta(minutes=31)):
        assert BANNER not in flat(client.get("/library/"))
        assert viewing.COOKIE not in {k for k, v in client.cookies.items() if v.value}
    assert lines() == ["Viewing as the user", "Viewing ended: the time was over"]


def test_it_ends_when_the_permission_or_the_account_does(alice: User) -> None:
    client = helper()
    begin(client, alice)
    User.objects.filter(pk=alice.pk).update(is_active=False)
    assert BANNER not in flat(client.get("/library/"))
    User.objects.filter(pk=alice.pk).update(is_active=True)
    begin(client, alice)
    User.objects.get(username="helper").user_permissions.clear()
    assert BANNER not in flat(client.get("/library/"))
    assert lines() == ["Viewing as the user", "Viewing ended"] * 2


@pytest.mark.parametrize("kind", ["is_staff", "is_superuser"])
def test_staff_are_never_viewed(alice: User, kind: str) -> None:
    User.objects.filter(pk=alice.pk).update(**{kind: True})
    client = helper()
    User.objects.filter(username="helper").update(is_superuser=True)
    assert begin(client, alice).status_code == 403
    assert "View as this user" not in flat(client.get(f"/admin/accounts/user/{alice.pk}/change/"))
    assert lines() == []


def test_it_needs_the_permission_and_a_reason(alice: User, bob: User) -> None:
    assert begin(helper("plain", allowed=False), alice).status_code == 403
    client = helper()
    path = f"/admin/accounts/user/{alice.pk}/view-as/"
    assert "It ends after 30 minutes" in flat(client.get(path))
    assert client.post(path, {"reason": ""}).status_code == 200
    person = Client()
    person.force_login(bob)
    person.cookies[viewing.COOKIE] = "1"
    assert begin(person, alice).status_code == 302
    assert BANNER not in flat(person.get("/library/"))
    assert Client().post("/viewing/stop/")["Location"] == "/"
    assert lines() == []


def test_a_page_that_writes_is_refused(alice: User) -> None:
    """The database refuses too, so that no page can forget that it is only viewed."""
    with connection.execute_wrapper(refuse_writes):
        alice.refresh_from_db()
        with pytest.raises(PermissionDenied):
            alice.save()
