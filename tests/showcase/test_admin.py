"""Staff: the order and the preview of the showcase, and what is decided about a report."""

import re
from functools import partial

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client

from accounts.models import User
from showcase import abuse_reports, gallery
from showcase.models import AbuseReport, Clip
from tests.conftest import create_user
from tests.markup import flat
from tests.statements import before, writes
from tests.videos.conftest import completed, order
from videos.library import share_links
from videos.models import Video

pytestmark = pytest.mark.django_db


@pytest.fixture
def helper() -> Client:
    """Staff who may do nothing yet."""
    client = Client()
    client.force_login(create_user("helper", is_staff=True))
    return client


def clips(alice: User, mp4: bytes, *titles: str) -> list[Clip]:
    """Offered clips, in this order."""
    made = []
    for n, title in enumerate(titles):
        clip = gallery.offer(completed(order(alice), mp4))
        Clip.objects.filter(pk=clip.pk).update(title=title, display_order=n)
        made.append(clip)
    return made


def titles() -> list[str]:
    return list(Clip.objects.values_list("title", flat=True))


# ---- the order ----


def test_clip_moves_one_place_when_staff_press_up_or_down(
    staff_client: Client, alice: User, mp4: bytes
) -> None:
    a, _b, c = clips(alice, mp4, "a", "b", "c")
    seen = []
    for clip, way in ((c, "up"), (c, "up"), (c, "up"), (a, "down"), (a, "down")):
        staff_client.post(f"/admin/showcase/clip/{clip.pk}/move/{way}/")
        seen.append("".join(titles()))
    assert seen == ["acb", "cab", "cab", "cba", "cba"]
    assert list(Clip.objects.values_list("display_order", flat=True)) == [10, 20, 30]


def test_clip_does_not_move_when_staff_lack_permission(
    staff_client: Client, helper: Client, alice: User, mp4: bytes
) -> None:
    _a, b = clips(alice, mp4, "a", "b")
    path = f"/admin/showcase/clip/{b.pk}/move/up/"
    codes = [helper.post(path).status_code, Client().post(path).status_code]
    assert (codes, staff_client.get(path).status_code, titles()) == ([403, 302], 405, ["a", "b"])
    assert staff_client.post("/admin/showcase/clip/999999/move/up/").status_code == 404


def test_views_and_consent_stay_when_they_change_while_staff_edit(
    staff_client: Client, alice: User, mp4: bytes
) -> None:
    (clip,) = clips(alice, mp4, "a")
    form = {"title": "b", "description": "", "display_order": clip.display_order, "style": "live"}
    others = partial(Clip.objects.update, view_count=7, consented_at=None)
    with before(writes("showcase_clip"), others):
        assert staff_client.post(f"/admin/showcase/clip/{clip.pk}/change/", form).status_code == 302
    clip.refresh_from_db()
    assert (clip.title, clip.view_count, clip.consented_at) == ("b", 7, None)


def test_title_is_shown_in_the_language_of_the_reader(
    staff_client: Client, alice: User, mp4: bytes
) -> None:
    (clip,) = clips(alice, mp4, "Golden beach")
    Clip.objects.update(is_active=True)
    path = f"/admin/showcase/clip/{clip.pk}/change/"
    form = {"title": "Golden beach", "description": "", "display_order": 1, "is_active": "on"}
    form["style"] = "vintage"
    lines = " ja：夜明けの海 \n\nzh-hant: 金色的沙灘\n"
    assert staff_client.post(path, {**form, "titles": lines}).status_code == 302
    clip.refresh_from_db()
    assert (clip.titles, clip.style) == ({"ja": "夜明けの海", "zh-hant": "金色的沙灘"}, "vintage")
    page = f"/showcase/{clip.pk}/"
    shown = [
        re.findall("<h1>(.*?)</h1>", flat(Client(headers={"accept-language": code}).get(page)))
        for code in ("ja", "zh-hant", "ko", "en")
    ]
    assert shown == [["夜明けの海"], ["金色的沙灘"], ["Golden beach"], ["Golden beach"]]
    for wrong in ("ja 夜明け", "fr: Plage", "ja:", "en: Beach", "ja: " + "海" * 121):
        answer = staff_client.post(path, {**form, "titles": wrong})
        assert list(answer.context["adminform"].form.errors) == ["titles"]
    assert staff_client.post(path, {**form, "titles": ""}).status_code == 302
    clip.refresh_from_db()
    assert clip.titles is None


# ---- the preview ----


@pytest.mark.parametrize("path", ["", "video.mp4", "poster.webp"])
def test_preview_is_not_found_when_visitor_is_not_staff(
    staff_client: Client, helper: Client, alice: User, mp4: bytes, path: str
) -> None:
    (clip,) = clips(alice, mp4, "a")
    address = f"/showcase/{clip.pk}/preview/{path}"
    codes = [client.get(address).status_code for client in (staff_client, helper, Client())]
    assert codes == [200, 404, 404]


def test_preview_shows_the_public_page(staff_client: Client, alice: User, mp4: bytes) -> None:
    (clip,) = clips(alice, mp4, "A boat at sea")
    text = staff_client.get(f"/showcase/{clip.pk}/preview/").content.decode()
    assert "<h1>A boat at sea</h1>" in text
    assert f"/showcase/{clip.pk}/preview/video.mp4" in text
    clip.refresh_from_db()
    assert clip.view_count == 0


# ---- reports ----


def report(subject: str) -> AbuseReport:
    return AbuseReport.objects.create(subject=subject, reason="rights")


def test_report_finds_its_video_when_it_names_url_or_id(alice: User, mp4: bytes) -> None:
    (clip,) = clips(alice, mp4, "a")
    video = clip.video
    token = share_links.token_of(share_links.create_link(video))
    subjects = [
        f"https://x.example/showcase/{clip.pk}/", f"https://x.example/api/showcase/videos/{clip.pk}",
        f"https://x.example/s/{token}/", f"https://x.example/v/{video.pk}/", str(video.pk),
        video.pk.hex, str(clip.pk), f"https://x.example/showcase/{clip.pk}?utm=1#top",
        f"https://x.example/s/nonsense/ which is {video.pk}",
    ]  # fmt: skip
    assert [abuse_reports.reported_video(report(subject)) for subject in subjects] == [video] * 9
    unknown = ["", "nonsense", "/s/nonsense/", "/showcase/999999/", "0" * 32, "9" * 400]
    assert [abuse_reports.reported_video(report(subject)) for subject in unknown] == [None] * 6


def test_reported_video_is_hidden_once_when_staff_decide_twice(
    staff_client: Client, alice: User, mp4: bytes
) -> None:
    (clip,) = clips(alice, mp4, "a")
    Clip.objects.update(is_active=True)
    share_links.create_link(clip.video)
    row = report(f"/showcase/{clip.pk}/")
    path = f"/admin/showcase/abusereport/{row.pk}/decide/hide/"
    assert staff_client.get(path).context["changes"] == [
        ("Report", "Open", "Closed"), ("Video", "public", "not public"),
    ]  # fmt: skip
    staff_client.post(path, {"reason": ""})
    assert abuse_reports.is_public(clip.video)
    answers = [staff_client.post(path, {"reason": "Stolen"}, follow=True).content for _ in range(2)]
    assert b"The report was closed." in answers[0]
    assert b"Someone else already decided this report." in answers[1]
    row.refresh_from_db()
    assert (row.state, row.decision, row.staff_note) == ("closed", "hidden", "Stolen")
    assert not abuse_reports.is_public(clip.video)
    assert not Clip.objects.filter(gallery.is_offered()).exists()
    assert Video.objects.get(pk=clip.video_id).deleted_at is None
    assert LogEntry.objects.get().change_message == "Hide the video: Stolen"


@pytest.mark.parametrize(("known", "decision"), [(True, "kept"), (False, "unclear")])
def test_video_stays_public_when_staff_close_the_report(
    staff_client: Client, alice: User, mp4: bytes, known: bool, decision: str
) -> None:
    (clip,) = clips(alice, mp4, "a")
    Clip.objects.update(is_active=True)
    row = report(f"/showcase/{clip.pk}/" if known else "somewhere else")
    staff_client.post(f"/admin/showcase/abusereport/{row.pk}/decide/keep/", {"reason": "Fine"})
    row.refresh_from_db()
    assert (row.state, row.decision, abuse_reports.is_public(clip.video)) == (
        "closed",
        decision,
        True,
    )


def test_audit_log_is_english_when_staff_read_japanese(staff_client: Client) -> None:
    row = report("somewhere else")
    staff_client.post("/language/", {"language": "ja"})
    path = f"/admin/showcase/abusereport/{row.pk}/decide/keep/"
    answer = staff_client.post(path, {"reason": "Fine"}, follow=True)
    logged = LogEntry.objects.get().change_message
    assert (answer["Content-Language"], logged) == ("ja", "Close without hiding: Fine")


def test_report_stays_open_when_staff_lack_permission(staff_client: Client, helper: Client) -> None:
    row = report("somewhere else")
    path = f"/admin/showcase/abusereport/{row.pk}/decide"
    assert helper.post(f"{path}/keep/", {"reason": "x"}).status_code == 403
    assert Client().post(f"{path}/keep/", {"reason": "x"}).status_code == 302
    assert [staff_client.get(f"{path}/{way}/").status_code for way in ("hide", "burn")] == [
        404,
        404,
    ]
    row.refresh_from_db()
    assert row.state == "open"
