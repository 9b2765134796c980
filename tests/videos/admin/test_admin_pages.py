"""Staff: every video with its timeline, and what may be done to it by hand, asked twice."""

import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.utils import timezone

from accounts.models import User
from billing.ledger import credits
from config.lib.admin.long_lists import MOST_COUNTED
from tests.conftest import create_user
from tests.markup import flat
from tests.videos.conftest import completed, failed, failed_delivery, order, reloaded, running
from videos.admin.engines import EngineCircuitAdmin
from videos.jobs import moderation
from videos.models import EngineCircuit, Price, RejectedPrompt, Video


def post_action(client: Client, video: Video, name: str, **form: str) -> Any:
    return client.post(f"/admin/videos/video/{video.pk}/actions/{name}/", form, follow=True)


def test_list_needs_as_many_queries_for_many_videos(
    staff_client: Client, alice: User, mp4: bytes, django_assert_max_num_queries: Any
) -> None:
    completed(order(alice, "A fox"), mp4)
    for n in range(3):
        order(create_user(f"p{n}"), f"A boat {n}")
    with django_assert_max_num_queries(15):
        text = staff_client.get("/admin/videos/video/").content.decode()
    prompts = ["A boat 0", "A boat 1", "A boat 2", "A fox"]
    assert [prompt for prompt in prompts if prompt not in text] == []


def shown(client: Client, query: dict[str, str]) -> list[str]:
    """The prompts of the videos that the list shows, in its order."""
    answer = client.get("/admin/videos/video/", query)
    return [video.prompt for video in answer.context["cl"].result_list]


def test_list_leads_back_to_all_rows_only_when_it_shows_a_part(
    staff_client: Client, alice: User
) -> None:
    order(alice, "A boat")
    found = {
        query: "Show all" in flat(staff_client.get(f"/admin/videos/video/{query}"))
        for query in ("", "?o=1", "?q=boat", "?model=sora-2")
    }
    assert found == {"": False, "?o=1": False, "?q=boat": True, "?model=sora-2": True}


def test_list_is_filtered_by_state_engine_and_model(
    staff_client: Client, alice: User, mp4: bytes
) -> None:
    completed(order(alice, "Done"), mp4)
    failed(order(alice, "Failed"))
    running(order(alice, "Runs"))
    order(alice, "Waits", model="sora-2-pro")
    every = ["Waits", "Runs", "Failed", "Done"]
    assert shown(staff_client, {}) == every
    assert shown(staff_client, {"status__exact": "running"}) == ["Runs"]
    assert shown(staff_client, {"status__exact": "failed"}) == ["Failed"]
    assert shown(staff_client, {"model": "sora-2-pro"}) == ["Waits"]
    assert shown(staff_client, {"engine": "sandbox"}) == every
    assert shown(staff_client, {"engine": "unknown"}) == []


def test_list_counts_only_a_part_when_it_is_long(
    staff_client: Client, alice: User, django_assert_max_num_queries: Any
) -> None:
    row = order(alice)
    fields = {f.attname: getattr(row, f.attname) for f in Video._meta.concrete_fields}
    copies = [Video(**{**fields, "id": uuid4()}) for _ in range(MOST_COUNTED)]
    Video.objects.bulk_create(copies)
    with django_assert_max_num_queries(10):
        answer = staff_client.get("/admin/videos/video/")
    assert f"{MOST_COUNTED}+" in re.sub(r"\s", "", flat(answer))
    Video.objects.filter(pk__in=[copy.pk for copy in copies[:2]]).delete()
    assert f"{MOST_COUNTED - 1}videos" in re.sub(
        r"\s", "", flat(staff_client.get("/admin/videos/video/"))
    )


def test_video_page_shows_timeline_and_possible_actions(staff_client: Client, alice: User) -> None:
    video = running(order(alice))
    answer = staff_client.get(f"/admin/videos/video/{video.pk}/change/")
    urls = [action.url for action in answer.context["object_actions"]]
    assert urls == [f"/admin/videos/video/{video.pk}/actions/{name}/" for name in ("fetch", "fail")]
    assert [
        word
        for word in ("Queued", "Submitting", "Rendering")
        if word not in answer.content.decode()
    ] == []


def test_video_cannot_be_edited(staff_client: Client, alice: User) -> None:
    video = order(alice)
    staff_client.post(
        f"/admin/videos/video/{video.pk}/change/", {"prompt": "Other", "status": "failed"}
    )
    assert (reloaded(video).prompt, reloaded(video).status) == ("A paper boat", "queued")
    assert staff_client.get("/admin/videos/video/add/").status_code == 403


def test_video_is_failed_and_refunded_once_when_form_is_sent_twice(
    staff_client: Client, staff: User, alice: User
) -> None:
    video = running(order(alice))
    assert (
        b"20 credits are refunded to alice"
        in staff_client.get(f"/admin/videos/video/{video.pk}/actions/fail/").content
    )
    assert reloaded(video).status == "running"
    post_action(staff_client, video, "fail", reason="Stuck for an hour")
    again = post_action(staff_client, video, "fail", reason="Stuck for an hour")
    assert b"The state of the video changed meanwhile. Reload the page." in again.content
    stood = reloaded(video)
    assert (stood.status, stood.failure_code, credits.available(alice)) == (
        "failed",
        "stopped_by_staff",
        100,
    )
    (entry,) = LogEntry.objects.all()
    assert (entry.user_id, entry.object_id, entry.change_message) == (
        staff.pk,
        str(video.pk),
        "Fail and refund: Stuck for an hour",
    )


def test_confirmation_shows_what_the_action_changes(staff_client: Client, alice: User) -> None:
    video = running(order(alice))
    shown = {
        name: staff_client.get(f"/admin/videos/video/{video.pk}/actions/{name}/").context["changes"]
        for name in ("fail", "fetch")
    }
    assert shown["fail"] == [("State", "Rendering", "Failed"), ("Credits of alice", "80", "100")]
    assert [(change.what, change.after) for change in shown["fetch"]] == [("Next poll", "now")]
    again = staff_client.get(f"/admin/videos/video/{failed(order(alice)).pk}/actions/retry/")
    assert again.context["changes"] == [
        ("New video", "–", "Queued"), ("Credits of alice", "80", "60"),
    ]  # fmt: skip


def test_retry_orders_once_when_form_is_sent_twice(staff_client: Client, alice: User) -> None:
    video = failed(order(alice))
    asked = staff_client.get(f"/admin/videos/video/{video.pk}/actions/retry/").context["form"]
    token = str(asked["token"].value())
    post_action(staff_client, video, "retry", reason="Asked by mail", token=token)
    again = post_action(staff_client, video, "retry", reason="Asked by mail", token=token)
    assert b"Nothing was ordered twice." in again.content
    assert (Video.objects.count(), credits.available(alice), LogEntry.objects.count()) == (2, 80, 1)


def test_action_is_refused_when_state_does_not_allow_it(staff_client: Client, alice: User) -> None:
    video = failed(order(alice))
    answer = staff_client.get(f"/admin/videos/video/{video.pk}/actions/fail/", follow=True)
    assert b"The video has changed. Nothing was done." in answer.content


def test_video_page_shows_its_ledger_entries(staff_client: Client, alice: User) -> None:
    video = failed(order(alice))
    order(alice, "Another")
    entries = staff_client.get(f"/admin/videos/video/{video.pk}/change/").context["entries"]
    assert [(entry.type, entry.amount) for entry in entries] == [("spent", -20), ("refunded", 20)]


def test_file_is_sent_when_user_is_staff(staff_client: Client, alice: User, mp4: bytes) -> None:
    video = completed(order(alice), mp4)
    path = f"/admin/videos/video/{video.pk}/file/"
    assert staff_client.get(path)["Content-Type"] == "video/mp4"
    assert staff_client.get(f"/admin/videos/video/{order(alice).pk}/file/").status_code == 404
    helper = Client()
    helper.force_login(create_user("helper", is_staff=True))
    assert (helper.get(path).status_code, Client().get(path).status_code) == (403, 302)


def test_action_is_refused_when_reason_is_empty(staff_client: Client, alice: User) -> None:
    video = running(order(alice))
    answer = post_action(staff_client, video, "fail", reason="")
    assert (answer.status_code, reloaded(video).status) == (200, "running")
    assert LogEntry.objects.count() == 0


def test_fetch_makes_the_next_poll_due(staff_client: Client, alice: User) -> None:
    video = running(order(alice))
    Video.objects.filter(pk=video.pk).update(next_step_at=timezone.now() + timedelta(1))
    post_action(staff_client, video, "fetch", reason="Asked by mail")
    assert reloaded(video).next_step_at <= timezone.now()  # type: ignore[operator]


def test_retry_is_paid_by_the_owner(staff_client: Client, alice: User) -> None:
    video = failed(order(alice))
    post_action(staff_client, video, "retry", reason="Asked by mail")
    assert Video.objects.get(retry_of=video).user == alice
    assert credits.available(alice) == 80


def test_retry_is_refused_when_owner_lacks_credits(staff_client: Client, alice: User) -> None:
    video = failed(order(alice))
    credits.spend(alice, 95, "gone")
    answer = post_action(staff_client, video, "retry", reason="Asked by mail")
    assert (Video.objects.count(), LogEntry.objects.count()) == (1, 0)
    assert b'class="error"' in answer.content


@pytest.mark.parametrize("name", ["fail", "fetch", "retry", "explode"])
def test_action_is_refused_when_staff_lack_permission(alice: User, name: str) -> None:
    video = running(order(alice))
    visitor, helper = Client(), Client()
    helper.force_login(create_user("helper", is_staff=True))
    path = f"/admin/videos/video/{video.pk}/actions/{name}/"
    assert visitor.post(path, {"reason": "x"})["Location"].startswith("/admin/login/?next=")
    assert helper.post(path, {"reason": "x"}).status_code == 403
    assert reloaded(video).status == "running"


def test_action_is_not_found_when_video_or_action_is_unknown(
    staff_client: Client, alice: User
) -> None:
    video = order(alice)
    unknown = "00000000-0000-0000-0000-000000000000"
    assert [
        staff_client.get(f"/admin/videos/video/{path}").status_code
        for path in (
            f"{video.pk}/actions/explode/",
            f"{unknown}/actions/fail/",
            f"{unknown}/poster/",
        )
    ] == [404] * 3


def test_poster_is_sent_when_user_is_staff(staff_client: Client, alice: User, mp4: bytes) -> None:
    video = completed(order(alice), mp4)
    path = f"/admin/videos/video/{video.pk}/poster/"
    assert staff_client.get(path)["Content-Type"] == "image/webp"
    helper = Client()
    helper.force_login(create_user("helper", is_staff=True))
    assert (helper.get(path).status_code, Client().get(path).status_code) == (403, 302)


def test_rejected_prompt_is_overruled_once(staff_client: Client, alice: User) -> None:
    refusal = RejectedPrompt.objects.create(user=alice, prompt="A duel", categories=["violence"])
    path = f"/admin/videos/rejectedprompt/{refusal.pk}/overrule/"
    assert b"A duel" in staff_client.get(path).content
    staff_client.post(path, {"reason": "Fencing"})
    answer = staff_client.post(path, {"reason": "Fencing"}, follow=True)
    assert b"Someone else already changed this." in answer.content
    refusal.refresh_from_db()
    assert (refusal.overruled, LogEntry.objects.get().change_message) == (
        True,
        "Overruled: Fencing",
    )
    assert not moderation.overrule(refusal)


def test_delivery_is_sent_again_when_staff_choose_it(staff_client: Client, alice: User) -> None:
    row = failed_delivery(alice)
    form = {"action": "send_again", "_selected_action": str(row.pk)}
    assert (
        b"is being sent again."
        in staff_client.post("/admin/videos/webhookdelivery/", form, follow=True).content
    )
    row.refresh_from_db()
    assert (row.state, LogEntry.objects.get().change_message) == ("pending", "Sent again")


def test_price_is_accepted_only_for_known_models(staff_client: Client) -> None:
    form = {"kind": "text", "model": "sora-2", "credits": "15"}
    staff_client.post("/admin/videos/price/add/", {**form, "model": "sora-9"})
    assert Price.objects.count() == 0
    staff_client.post("/admin/videos/price/add/", form)
    assert Price.objects.get().credits == 15


def test_price_without_sound_is_accepted_only_where_sound_is_a_choice(staff_client: Client) -> None:
    form = {"kind": "silent", "resolution": "", "credits": "15"}
    refused = staff_client.post("/admin/videos/price/add/", {**form, "model": "sora-2"})
    assert "The sound of Sora 2 cannot be left out." in refused.content.decode()
    staff_client.post("/admin/videos/price/add/", {**form, "model": "veo-3.1"})
    assert [str(row) for row in Price.objects.all()] == ["silent veo-3.1 : 15.00"]
    assert (
        '<td class="field-documented">19</td>'
        in staff_client.get("/admin/videos/price/").content.decode()
    )


def rows_of_prices(client: Client) -> list[list[str]]:
    """The prices that apply to Sora 2, as the page shows them."""
    body = flat(client.get("/admin/videos/price/")).split('id="effective"')[1]
    rows = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in body.split("<tr>")[2:]]
    plain = [[" ".join(re.sub("<[^>]*>", " ", cell).split()) for cell in row] for row in rows]
    return [row for row in plain if row[0].startswith("Sora 2 up")]


def test_prices_that_apply_are_shown_without_rows_and_with(staff_client: Client) -> None:
    sora = ["Sora 2 up to 12 seconds", "720p", "20", "25", "–"]
    assert rows_of_prices(staff_client)[0] == [*sora, "the catalog"]
    Price.objects.create(kind="text", model="sora-2", credits="7.50")
    sora[2] = "7.5"
    assert rows_of_prices(staff_client)[0] == [*sora, "staff"]


@pytest.mark.scaled
@pytest.mark.usefixtures("database_clock")
def test_engine_is_paused_by_the_clock_of_the_database(db: None) -> None:
    now = timezone.now()
    row = EngineCircuit(name="a", opened_at=now, retry_at=now + timedelta(minutes=10))
    with time_machine.travel(now + timedelta(hours=1)):
        assert EngineCircuitAdmin(EngineCircuit, admin.site).state(row) == "paused"
