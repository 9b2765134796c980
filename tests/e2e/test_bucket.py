"""Media in a bucket: a browser loads it from the bucket's own origin, under signed URLs."""

import subprocess
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import boto3
import pytest
from playwright.sync_api import Page, StorageState, expect

from tests import migrated
from tests.backing import free_port
from tests.e2e.conftest import (
    ROOT,
    Opener,
    card_of,
    csrf_token,
    environment,
    keep_picture,
    make_videos,
    served,
)
from tests.e2e.test_failures import noise
from tests.e2e.test_making_a_video import PLAY, make
from tests.faults.processes import wait_until

pytestmark = pytest.mark.browser
BUCKET, OTHER = "films", "restored-films"
WIDTH = "async (image) => { await image.decode(); return image.naturalWidth; }"
SEEK_TO_THE_END = """() => new Promise((arrived) => {
  const video = document.querySelector("video");
  video.addEventListener("seeked", () => arrived(Math.round(video.currentTime)));
  video.currentTime = 3;
})"""


@pytest.fixture(scope="module")
def s3() -> Iterator[Any]:
    """A client of an S3 server with two empty buckets."""
    from moto.server import ThreadedMotoServer  # slow to import, and every worker collects this

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=free_port(), verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    client = boto3.client(
        "s3",
        endpoint_url=f"http://{host}:{port}",
        region_name="us-east-1",
        aws_access_key_id="key",
        aws_secret_access_key="secret",
    )
    client.create_bucket(Bucket=BUCKET)
    client.create_bucket(Bucket=OTHER)
    yield client
    server.stop()


@pytest.fixture(scope="module")
def settings_of_the_site(s3: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of the product that keeps its media in the bucket."""
    bucket = {"S3_BUCKET": BUCKET, "S3_ACCESS_KEY": "key", "S3_SECRET_KEY": "secret"}
    where = {"S3_ENDPOINT": s3.meta.endpoint_url, "S3_PUBLIC_ENDPOINT": public_url(s3)}
    folder = tmp_path_factory.mktemp("bucket-site")
    return {**environment(folder), **bucket, **where, "SANDBOX_SPEED": "8"}


@pytest.fixture(scope="module")
def site(settings_of_the_site: dict[str, str]) -> Iterator[str]:
    folder = Path(settings_of_the_site["DATA_DIR"])
    migrated.copy_to(folder)
    with served(folder, settings_of_the_site, "--no-migrate") as url:
        yield url


def public_url(s3: Any) -> str:
    """The address of the S3 server for browsers, another one than that for the product."""
    return str(s3.meta.endpoint_url).replace("127.0.0.1", "localhost")


def keys(s3: Any, bucket: str = BUCKET) -> list[str]:
    return sorted(item["Key"] for item in s3.list_objects_v2(Bucket=bucket).get("Contents", []))


def open_made_video(tab: Opener, person: StorageState, prompt: str) -> Page:
    """Order a video and open its page."""
    page = tab("about:blank", person=person)
    page.goto(*make_videos(page.request, prompt))
    expect(page.locator("#stage video")).to_be_visible()
    return page


def content_url(page: Page) -> str:
    """The path of the MP4 of the video whose page is open."""
    return f"/api/videos/{page.url.rstrip('/').split('/')[-1]}/content"


def test_poster_and_film_come_from_the_bucket_and_the_film_can_be_seeked(
    tab: Opener, person: StorageState, s3: Any
) -> None:
    page = tab("/studio/", person=person)
    with page.expect_response(lambda answer: answer.url.startswith(public_url(s3))) as seen:
        make(page, "A train in the snow")
    assert seen.value.request.resource_type == "image"
    card = card_of(page, "A train in the snow")
    poster = card.locator("img").first
    expect(poster).to_be_visible()
    assert poster.evaluate(WIDTH) > 0
    card.get_by_role("heading").get_by_role("link").click()
    expect(page.locator("#stage video")).to_be_visible()
    assert page.evaluate(PLAY) == pytest.approx(4, abs=0.2)
    assert page.evaluate(SEEK_TO_THE_END) == 3
    keep_picture(page, "video-in-a-bucket")


def test_download_keeps_its_name(tab: Opener, person: StorageState) -> None:
    page = open_made_video(tab, person, "A cup of tea")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    video = page.url.rstrip("/").split("/")[-1]
    assert download.value.suggested_filename == f"{video}.mp4"
    film = Path(download.value.path()).read_bytes()
    assert film[4:8] == b"ftyp"
    token = csrf_token(page.request)
    form: dict[str, str | float | bool] = {"video": video, "csrfmiddlewaretoken": token}
    archive = page.request.post("/library/download/", form=form)
    with ZipFile(BytesIO(archive.body())) as whole:
        assert [whole.read(name) for name in whole.namelist()] == [film]


def test_head_is_answered_by_us_and_a_range_by_the_bucket(
    tab: Opener, person: StorageState, s3: Any
) -> None:
    page = open_made_video(tab, person, "A lake at noon")
    http, url = page.context.request, content_url(page)
    whole = http.get(url).body()
    head = http.head(url, max_redirects=0)
    part = http.get(url, headers={"Range": "bytes=4-7"})
    assert (head.status, head.headers["content-length"]) == (200, str(len(whole)))
    assert head.headers["accept-ranges"] == "bytes"
    assert (part.status, part.body()) == (206, b"ftyp")
    assert part.url.startswith(public_url(s3))
    assert part.headers["content-type"] == "video/mp4"


def test_reference_image_is_uploaded_to_the_bucket_and_shown(
    tab: Opener, person: StorageState, s3: Any
) -> None:
    page = tab("/studio/", person=person)
    page.locator("[name=first_file]").set_input_files(
        {"name": "noise.png", "mimeType": "image/png", "buffer": noise(90, 160)}
    )
    expect(page.locator(".image-tile [name=first_image]")).to_be_attached()
    [key] = [key for key in keys(s3) if key.startswith("uploads/")]
    with page.expect_response(lambda answer: key in answer.url) as seen:
        page.reload()
    assert (seen.value.status, seen.value.headers["content-type"]) == (200, "image/jpeg")
    picture = page.locator(".image-tile img")
    expect(picture).to_be_visible()
    assert picture.evaluate(WIDTH) == 90


def test_deleted_video_leaves_the_bucket(tab: Opener, person: StorageState, s3: Any) -> None:
    page = open_made_video(tab, person, "A paper crane")
    video = page.url.rstrip("/").split("/")[-1]
    assert len([key for key in keys(s3) if video in key]) == 3
    headers = {"X-CSRFToken": csrf_token(page.request)}
    deleted = page.request.delete(f"/api/videos/{video}", headers=headers)
    assert deleted.status == 200
    wait_until(lambda: not any(video in key for key in keys(s3)), "the deletion of the objects")


def test_backup_with_the_bucket_is_restored_into_another_bucket(
    tab: Opener,
    person: StorageState,
    s3: Any,
    settings_of_the_site: dict[str, str],
    tmp_path: Path,
) -> None:
    open_made_video(tab, person, "A bridge")
    code, output = manage(settings_of_the_site, "backup", "--to", str(tmp_path / "small"))
    assert code == 0
    assert f"The media in the bucket {BUCKET} was not copied" in output
    code, backup = manage(
        settings_of_the_site, "backup", "--to", str(tmp_path / "whole"), "--with-bucket"
    )
    assert code == 0
    assert manage(settings_of_the_site, "restore", backup, "--check") == (
        0,
        "The backup is complete.",
    )
    other = {**settings_of_the_site, "DATA_DIR": str(tmp_path / "data"), "S3_BUCKET": OTHER}
    count = len(keys(s3))
    assert manage(other, "restore", backup) == (0, f"Restored, with {count} media files.")
    assert objects(s3, OTHER) == objects(s3, BUCKET)


def manage(settings: dict[str, str], *words: str) -> tuple[int, str]:
    ended = subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=ROOT,
        env=settings,
        capture_output=True,
        text=True,
        check=False,
    )
    return ended.returncode, (ended.stdout + ended.stderr).strip()


def objects(s3: Any, bucket: str) -> dict[str, bytes]:
    return {key: s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys(s3, bucket)}
