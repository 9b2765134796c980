"""What is done with a video: its lineage, its title, a frame of it, and a link to it."""

import asyncio
import json
import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.conf import LazySettings, settings
from django.test import Client
from django.utils import timezone
from PIL import Image
from pytest_django.fixtures import DjangoAssertNumQueries

from accounts.models import User
from accounts.people import deletion
from billing.ledger import credits
from tests.markup import flat
from tests.videos.conftest import completed, failed, order, picture, reloaded, upload
from videos.jobs import orders, removal
from videos.library import share_links
from videos.library.lineage import prompt_changes
from videos.media import frames, uploads
from videos.models import ShareLink, Upload, Video
from videos.web.presenters.code_sample import curl_command


async def whole(answer: Any) -> bytes:
    return b"".join([piece async for piece in answer])


@pytest.fixture
def rich(alice: User) -> User:
    credits.grant(alice, 2000, credits.Kind.EARNED, "gift", expires_at=None)
    return alice


@pytest.fixture
def boat(rich: User, mp4: bytes) -> Video:
    return completed(order(rich, "A boat at dusk"), mp4)


def remixed(video: Video, prompt: str, mp4: bytes) -> Video:
    return completed(orders.remix(video, prompt), mp4)


def nodes(page: Client, video: Video) -> list[str]:
    """The lineage as a page of it shows it: depth by indent, and what is written there."""
    body = flat(page.get(f"/v/{video.pk}/"))
    tree = (
        body.split('<nav class="lineage"')[1].split("</nav>")[0]
        if 'class="lineage"' in body
        else ""
    )
    depth, found = 0, []
    for tag, text in re.findall(r"(<ul>|</ul>)|</b>([^<]*)</span>|Deleted", tree):
        depth += {"<ul>": 1, "</ul>": -1}.get(tag, 0)
        if not tag:
            found.append(f"{'  ' * (depth - 1)}{text or '-'}")
    return found


# ---- the lineage ----


def test_every_version_shows_the_whole_lineage(page: Client, boat: Video, mp4: bytes) -> None:
    snow = remixed(boat, "Make it snow", mp4)
    storm = remixed(snow, "Now a storm", mp4)
    rain = orders.remix(boat, "Make it rain")
    tree = ["A boat at dusk", "  Make it snow", "    Now a storm", "  Make it rain"]
    assert [nodes(page, video) for video in (boat, snow, storm, rain)] == [tree] * 4


def test_deleted_version_stays_in_lineage_when_it_has_children(
    page: Client, boat: Video, mp4: bytes
) -> None:
    snow = remixed(boat, "Make it snow", mp4)
    storm = remixed(snow, "Now a storm", mp4)
    removal.delete(snow)
    assert nodes(page, storm) == ["A boat at dusk", "  -", "    Now a storm"]
    removal.delete(storm)
    assert nodes(page, boat) == []


def test_page_needs_as_many_queries_for_a_large_lineage(
    page: Client, boat: Video, mp4: bytes, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    remixed(boat, "Make it snow", mp4)
    page.get(f"/v/{boat.pk}/")
    with django_assert_num_queries(20):
        page.get(f"/v/{boat.pk}/")
    last = boat
    for n in range(5):
        last = remixed(last, f"Number {n}", mp4)
    with django_assert_num_queries(20):
        page.get(f"/v/{boat.pk}/")


def test_newer_and_older_videos_follow_the_library(page: Client, rich: User, bob: User) -> None:
    first, second = order(rich, "One"), order(rich, "Two")
    order(bob, "Between")
    third = order(rich, "Three")
    removal.delete(orders.submit(rich, orders.VideoOrder("Gone", seconds=4)))

    def beside(video: Video) -> dict[str, str]:
        body = page.get(f"/v/{video.pk}/").content.decode()
        return dict(re.findall(r'rel="(prev|next)" href="/v/([^/]+)/"', body))

    assert beside(first) == {"prev": str(second.pk)}
    assert beside(second) == {"prev": str(third.pk), "next": str(first.pk)}
    assert beside(third) == {"next": str(second.pk)}


# ---- its title ----


def test_title_is_changed_on_the_page(page: Client, rich: User, mp4: bytes) -> None:
    video = completed(order(rich, "A boat at dusk, low camera. Slow dolly in."), mp4)
    path = f"/v/{video.pk}/"
    body = flat(page.get(path))
    assert '<h1 title="A boat at dusk">A boat at dusk</h1>' in body
    assert body.count("low camera. Slow dolly in.") == 2  # once for people, once as a call
    answer = page.post(f"{path}title/", {"title": "The\r\nharbour"})
    assert (answer.status_code, answer["Location"]) == (303, path)
    assert '<h1 title="The harbour">The harbour</h1>' in flat(page.get(path))
    assert "at most 100 characters" in flat(
        page.post(f"{path}title/", {"title": "x" * 101}, follow=True)
    )
    page.post(f"{path}title/", {"title": " "})
    assert reloaded(video).title is None


def test_title_is_not_changed_by_another_user(boat: Video, bob: User) -> None:
    path, stranger = f"/v/{boat.pk}/title/", Client()
    assert stranger.post(path, {"title": "Mine"}).status_code == 302
    stranger.force_login(bob)
    assert stranger.post(path, {"title": "Mine"}).status_code == 404
    assert reloaded(boat).title is None


def test_prompt_stands_once_when_it_is_the_title(page: Client, boat: Video, mp4: bytes) -> None:
    assert 'id="prompt-title"' not in flat(page.get(f"/v/{boat.pk}/"))
    changed = remixed(boat, "A boat at dawn", mp4)
    body = flat(page.get(f"/v/{changed.pk}/"))
    assert "<del>dusk</del>" in body
    assert re.search(rf'<a href="/v/{boat.pk}/"> ?Remix of A boat at dusk ?</a>', body)
    assert "Remix of A boat at dusk" in flat(page.get("/library/"))
    removal.delete(boat)
    assert "Remix of" not in flat(page.get("/library/"))


# ---- what it would cost ----


def test_credits_are_offered_wherever_they_are_short(page: Client, alice: User, mp4: bytes) -> None:
    boat, lost = completed(order(alice), mp4), failed(order(alice, "A storm"))
    add = '<a class="btn btn--primary{}" href="/billing/">'
    small = add.format(" btn--sm")
    paths = (f"/v/{boat.pk}/", f"/v/{lost.pk}/", f"/v/{lost.pk}/card/", "/library/")

    def offered() -> list[int]:
        pages = [flat(page.get(path)) for path in paths]
        return [body.count(add.format("")) + body.count(small) for body in pages]

    assert offered() == [0, 0, 0, 0]
    assert "wallet__add" not in flat(page.get("/library/"))
    while credits.available(alice) >= 20:
        order(alice)
    assert (credits.available(alice), offered()) == (0, [2, 1, 1, 1])
    body = flat(page.get(paths[0]))
    assert "This costs 20 credits. You have 0." in body
    assert '<span class="wallet__add">Add credits</span>' in body


# ---- ending what has ended ----


def test_cancelling_offers_what_is_possible(page: Client, rich: User, mp4: bytes) -> None:
    done, lost, waiting = completed(order(rich), mp4), failed(order(rich)), order(rich)

    def choices(video: Video) -> list[str]:
        question = flat(page.get(f"/v/{video.pk}/cancel/")).split('id="confirm"')[1]
        form = question.split("</form>")[0]
        return re.findall(r'<(?:a|button) class="btn[^>]*> ?([^<]*?) ?</', form)

    assert choices(done) == ["Watch it"]
    assert choices(lost) == ["Close"]
    assert choices(waiting) == ["Cancel the render", "Keep rendering"]


# ---- comparing ----


@pytest.mark.parametrize(
    ("old", "new", "pieces"),
    [
        ("A red boat", "A red boat", [("same", "A red boat")]),
        (
            "A red boat at dusk",
            "A blue boat at dusk, slowly",
            [
                *[("same", "A"), ("same", " "), ("gone", "red"), ("same", " "), ("new", "blue")],
                *[("same", " "), ("same", "boat at dusk"), ("new", ", slowly")],
            ],
        ),
        ("红色的小船", "蓝色的小船", [("gone", "红"), ("new", "蓝"), ("same", "色的小船")]),
        ("It's dusk", "It's dusk!", [("same", "It's dusk"), ("new", "!")]),
        ("A red boat", "Make it snow now", [("new", "Make it snow now")]),
    ],
)
def test_prompt_changes_are_marked(old: str, new: str, pieces: list[tuple[str, str]]) -> None:
    assert prompt_changes(old, new) == pieces


def test_frame_and_link_are_not_found_when_video_belongs_to_another_user(
    bob: User, boat: Video
) -> None:
    client = Client()
    client.force_login(bob)
    assert client.post(f"/v/{boat.pk}/frame/").status_code == 404
    assert client.post(f"/v/{boat.pk}/share/").status_code == 404
    assert Client().post(f"/v/{boat.pk}/share/").status_code == 302
    assert ShareLink.objects.count() == 0


# ---- a picture of it ----


@pytest.mark.parametrize(("at", "frame"), [(0, 0), (0.5, 12), (0.51, 12), (99, 23)])
def test_frame_is_the_one_shown_at_that_time(boat: Video, at: float, frame: int) -> None:
    with Image.open(frames.store_frame(boat, at).file) as picture:
        red = picture.convert("RGB").getpixel((32, 18))[0]  # type: ignore[index]
    assert red == pytest.approx(frame * 9 % 256, abs=6)


def test_frame_becomes_the_reference_of_the_next_order(page: Client, boat: Video) -> None:
    answer = page.post(f"/v/{boat.pk}/frame/", {"at": "0.5"})
    kept = Upload.objects.get()
    assert answer["Location"] == f"/studio/?from={boat.pk}&first_image={kept.pk}"
    body = page.get(answer["Location"]).content.decode()
    assert f'name="first_image" value="{kept.pk}" checked' in body
    assert ">A boat at dusk</textarea>" in body


def test_extension_takes_what_happens_next_to_the_studio(page: Client, boat: Video) -> None:
    sent = {"at": "4", "prompt": "It sinks & <b>glows</b>"}
    body = page.get(page.post(f"/v/{boat.pk}/frame/", sent)["Location"]).content.decode()
    assert f'name="first_image" value="{Upload.objects.get().pk}" checked' in body
    assert ">It sinks &amp; &lt;b&gt;glows&lt;/b&gt;</textarea>" in body


@pytest.mark.parametrize("at", ["x", "nan", "inf", "-5", "1e400", ""])
def test_frame_request_is_answered_when_time_is_not_valid(
    page: Client, boat: Video, at: str
) -> None:
    assert page.post(f"/v/{boat.pk}/frame/", {"at": at}).status_code == 303


def test_frame_is_refused_when_video_has_no_file(page: Client, rich: User) -> None:
    lost = failed(order(rich))
    body = page.post(f"/v/{lost.pk}/frame/", {"at": "1"}, follow=True).content.decode()
    assert "No frame could be read from this video." in body


def test_frame_is_refused_when_upload_quota_is_full(
    page: Client, boat: Video, settings: LazySettings
) -> None:
    settings.UPLOAD_QUOTA_FILES = 0
    body = page.post(f"/v/{boat.pk}/frame/", {"at": "0"}, follow=True).content.decode()
    assert "You have reached the limit of 0 files. Delete some to upload more." in body


# ---- a link to it ----


def link(page: Client, video: Video, **fields: object) -> str:
    page.post(f"/v/{video.pk}/share/", fields)
    body = flat(page.get(f"/v/{video.pk}/"))
    base = re.escape(settings.BASE_URL)
    found = re.search(rf'<input id="link" readonly value="{base}([^"]+)"', body)
    return found.group(1) if found else ""


def test_shared_video_is_shown_when_nobody_is_signed_in(
    page: Client, boat: Video, mp4: bytes
) -> None:
    address = link(page, boat)
    visitor = Client(SERVER_PORT="6666")
    answer = visitor.get(address)
    body = answer.content.decode()
    assert "AI-generated" in body
    assert f'<meta property="og:image" content="{settings.BASE_URL}{address}poster.webp">' in body
    assert "A boat at dusk" not in body
    assert answer["X-Robots-Tag"] == "noindex"
    film = visitor.get(f"{address}video.mp4")
    assert (film["Content-Type"], asyncio.run(whole(film))) == ("video/mp4", mp4)
    assert "no-cache" in answer["Cache-Control"]
    assert film["Cache-Control"] == "private, max-age=0, must-revalidate"
    assert visitor.get(f"{address}poster.webp")["Content-Type"] == "image/webp"


def test_shared_page_shows_prompt_when_owner_allows_it(page: Client, boat: Video) -> None:
    body = Client().get(link(page, boat, with_prompt="1")).content.decode()
    assert "A boat at dusk" in body


def test_link_does_not_work_when_it_was_revoked(page: Client, boat: Video) -> None:
    address = link(page, boat)
    assert link(page, boat, withdraw="1") == ""
    for path in (address, f"{address}video.mp4", f"{address}poster.webp"):
        assert Client().get(path).status_code == 404


def test_new_link_revokes_the_previous_one(page: Client, boat: Video) -> None:
    first, second = link(page, boat), link(page, boat)
    assert [Client().get(path).status_code for path in (first, second)] == [404, 200]


@pytest.mark.parametrize(
    ("days", "after", "status"), [("7", 6, 200), ("7", 7, 404), ("", 999, 200)]
)
def test_link_does_not_work_when_it_has_expired(
    page: Client, boat: Video, days: str, after: int, status: int
) -> None:
    address = link(page, boat, days=days)
    with time_machine.travel(timezone.now() + timedelta(days=after), tick=False):
        assert Client().get(address).status_code == status


def test_link_does_not_work_while_owner_is_inactive(page: Client, boat: Video) -> None:
    address = link(page, boat)
    deletion.lock(boat.user)
    assert [Client().get(f"{address}{file}").status_code for file in ("", "video.mp4")] == [404] * 2
    deletion.unlock(boat.user)
    assert Client().get(address).status_code == 200


def test_link_does_not_work_when_video_is_deleted(page: Client, boat: Video) -> None:
    address = link(page, boat)
    removal.delete(boat)
    assert Client().get(address).status_code == 404


def test_link_is_not_found_when_token_is_forged(page: Client, boat: Video) -> None:
    token = link(page, boat).split("/")[2]
    key, _dot, signature = token.partition(".")
    for forged in (key, f"{key}.x", f"{uuid4().hex}.{signature}", f"{boat.pk.hex}.{signature}"):
        assert Client().get(f"/s/{forged}/").status_code == 404


def test_link_is_refused_when_video_is_not_finished(page: Client, rich: User) -> None:
    assert link(page, order(rich)) == ""
    assert ShareLink.objects.count() == 0
    with pytest.raises(share_links.NotFinished):
        share_links.create_link(order(rich))


# ---- as a call of the API ----


def test_code_sample_orders_the_same_video(boat: Video, mp4: bytes) -> None:
    quoted = completed(order(boat.user, 'It\'s "a boat"\n$HOME', seconds=8), mp4)
    lines = curl_command(quoted, "https://x.example").split(" \\\n  ")
    assert lines[0] == "curl -X POST https://x.example/api/videos"
    sent = lines[-1].removeprefix("-d '").removesuffix("'").replace("'\"'\"'", "'")
    assert json.loads(sent) == {
        "prompt": 'It\'s "a boat"\n$HOME',
        "model": "sora-2",
        "size": "1280x720",
        "seconds": 8,
    }
    Video.objects.filter(pk=quoted.pk).update(requested_model="fast", seed=0, audio=False)
    lines = curl_command(Video.objects.get(pk=quoted.pk), "").split(" \\\n  ")
    sent = lines[-1].removeprefix("-d '").removesuffix("'").replace("'\"'\"'", "'")
    chosen = {name: json.loads(sent)[name] for name in ("model", "seed", "audio")}
    assert chosen == {"model": "fast", "seed": 0, "audio": False}
    remix = orders.remix(boat, "Snow")
    lines = curl_command(remix, "").split(" \\\n  ")
    assert lines[0] == f"curl -X POST /api/videos/{boat.pk}/remix"
    assert lines[-1] == """-d '{"prompt": "Snow"}'"""


def test_code_sample_sends_every_image(boat: Video) -> None:
    first, last = (uploads.store_image(boat.user, upload(picture(), f"{n}.png")) for n in "ab")
    videos = [
        order(boat.user, first_image=first, last_image=last),
        order(boat.user, references=(last, first)),
    ]
    sent = [curl_command(video, "").split(" \\\n  ")[-2:] for video in videos]
    assert sent == [
        ["-F input_reference=@a.jpg", "-F last_image=@b.jpg"],
        ["-F reference_images=@b.jpg", "-F reference_images=@a.jpg"],
    ]
