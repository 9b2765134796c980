"""The requests that the original documents print for videos, tasks and uploads, sent as printed."""

import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

import httpx2
import pytest
from django.conf import LazySettings
from rest_framework.test import APIClient

from accounts.auth import tokens
from accounts.models import Session, User
from tests.conftest import ServerThread
from tests.videos.conftest import completed, failed, order, photo, picture, running, upload
from videos.media import upload_urls, uploads
from videos.models import Video

JSON = "application/json"


def shape_of(value: Any) -> Any:
    """The names and kinds of a printed answer, without its values."""
    if isinstance(value, dict):
        return {name: shape_of(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [shape_of(inner) for inner in value[:1]]
    return type(value).__name__


def has_documented_fields(answer: dict[str, Any], printed: str) -> bool:
    """Every name the document prints is there, with a value of that kind."""
    wanted: dict[str, Any] = shape_of(json.loads(printed))
    return all(shape_of(answer[name]) == kind for name, kind in wanted.items())


def post(client: APIClient, address: str, body: str) -> Any:
    return client.post(address, body, content_type=JSON)


@pytest.fixture
def completed_video(alice: User, mp4: bytes) -> Video:
    return completed(order(alice), mp4)


# ---- system A: the README of its back end ----

VIDEO = """
{
  "id": "video_abc123",
  "user_id": "user_1",
  "prompt": "A cat on a motorcycle",
  "model": "sora-2",
  "size": "1280x720",
  "seconds": "8",
  "status": "queued",
  "progress": 0,
  "created_at": 1234567890
}
"""


def test_system_a_create(api: APIClient) -> None:
    form = {
        "prompt": "A cat on a motorcycle",
        "model": "sora-2",
        "size": "1280x720",
        "seconds": "8",
        "input_reference": upload(picture("WEBP"), "cat.webp"),
    }
    answer = api.post("/api/videos", form, format="multipart").json()
    assert has_documented_fields(answer, VIDEO)
    same = ("prompt", "model", "size", "seconds", "status", "progress")
    assert {name: answer[name] for name in same} == {name: json.loads(VIDEO)[name] for name in same}
    assert "openai_video_id" in answer


def test_system_a_list(api: APIClient, completed_video: Video) -> None:
    answer = api.get("/api/videos").json()
    assert (answer["limit"], answer["offset"]) == (50, 0)
    assert has_documented_fields(answer["videos"][0], VIDEO)


def test_system_a_detail(api: APIClient, completed_video: Video) -> None:
    printed = '{"id": "x", "status": "completed", "progress": 100, "file_path": "/path/to/v.mp4"}'
    assert has_documented_fields(
        api.get(f"/api/videos/video_{completed_video.pk.hex}").json(), printed
    )


@pytest.mark.parametrize(
    ("query", "kind"),
    [("?variant=video", "video/mp4"), ("?variant=thumbnail", "image/webp"), ("", "video/mp4")],
)
def test_system_a_content(api: APIClient, completed_video: Video, query: str, kind: str) -> None:
    answer = api.get(f"/api/videos/{completed_video.pk}/content{query}")
    assert (answer.status_code, answer["Content-Type"]) == (200, kind)


def test_system_a_remix(api: APIClient, completed_video: Video) -> None:
    body = '{\n  "prompt": "Change the color palette to teal and orange"\n}'
    assert has_documented_fields(
        post(api, f"/api/videos/{completed_video.pk}/remix", body).json(), VIDEO
    )


def test_system_a_delete(api: APIClient, completed_video: Video) -> None:
    assert api.delete(f"/api/videos/{completed_video.pk}").json() == {"success": True}


# ---- system B: the summary of its back end, and its plan ----


def test_system_b_create(api: APIClient) -> None:
    body = {"model": "sora-2-pro", "prompt": "Wide tracking shot...", "size": "1280x720"}
    for seconds in (8, "8"):
        answer = api.post("/api/videos/create", {**body, "seconds": seconds}, format="json")
        wanted = {**body, "seconds": 8, "status": "queued"}
        assert {name: answer.json()[name] for name in wanted} == wanted
        assert UUID(answer.json()["id"])


@pytest.mark.parametrize("address", ["/api/videos/status/{}", "/api/videos/status?id={}"])
def test_system_b_status(api: APIClient, alice: User, address: str) -> None:
    answer = api.get(address.format(running(order(alice)).pk)).json()
    assert (answer["status"], answer["progress"]) == ("in_progress", 0)


def test_system_b_list(api: APIClient, alice: User) -> None:
    first, second = order(alice, "1"), order(alice, "2")
    answer = api.get(f"/api/videos?limit=20&after=video_{first.pk.hex}&order=asc").json()
    assert [video["id"] for video in answer["videos"]] == [str(second.pk)]


def test_system_b_download(api: APIClient, completed_video: Video) -> None:
    answer = api.get(f"/api/videos/{completed_video.pk}/download")
    assert (answer.status_code, answer["Content-Type"]) == (200, "video/mp4")


def test_system_b_remix(api: APIClient, completed_video: Video) -> None:
    prompt = "Shift the color palette to teal, sand, and rust"
    by_path = post(api, f"/api/videos/remix/{completed_video.pk}", json.dumps({"prompt": prompt}))
    body = json.dumps({"remix_video_id": str(completed_video.pk), "prompt": prompt})
    by_body = post(api, "/api/videos/remix", body)
    assert [answer.json()["prompt"] for answer in (by_path, by_body)] == [prompt] * 2


def test_system_b_health(db: None) -> None:
    assert APIClient().get("/health").status_code == 200


# ---- system C: its API documentation, by its own section numbers ----

CREATED = """
{
  "success": true,
  "task_id": "uuid-string",
  "message": "Text-to-video task created successfully. Credits deducted.",
  "credits_estimated": 20,
  "estimated_time": 180
}
"""
TASK = """
{
  "task_id": "uuid-string",
  "status": "SUCCEEDED",
  "progress": 0.0,
  "result_url": "https://...",
  "created_at": "2025-01-05T12:00:00Z",
  "updated_at": "2025-01-05T12:00:00Z",
  "completed_at": "2025-01-05T12:03:00Z"
}
"""


def test_system_c_2_1_upload(api: APIClient) -> None:
    form = {"file": upload(photo(), "filename.jpg"), "file_type": "image"}
    answer = api.post("/api/videos/upload", form, format="multipart")
    printed = """
    {
      "success": true,
      "file_url": "https://oss.example.com/uploads/...",
      "storage_key": "uploads/image/user-id/2025/01/05/abc123_filename.jpg",
      "file_size": 1048576,
      "content_type": "image/jpeg",
      "file_type": "image",
      "message": "Image uploaded successfully"
    }
    """
    assert answer.status_code == 200
    assert (list(answer.json()), has_documented_fields(answer.json(), printed)) == (
        list(json.loads(printed)),
        True,
    )
    same = ("success", "content_type", "file_type", "message")
    assert [answer.json()[name] for name in same] == [json.loads(printed)[name] for name in same]


def test_system_c_2_2_text_to_video(api: APIClient) -> None:
    body = """
    {
      "prompt": "A beautiful sunset over the ocean with waves crashing",
      "aspect_ratio": "landscape",
      "quality": "standard"
    }
    """
    answer = post(api, "/api/videos/text-to-video", body)
    made = json.loads(CREATED) | {"task_id": str(Video.objects.get().pk)}
    assert (answer.status_code, answer.json()) == (200, made)


def test_system_c_2_3_image_to_video(api: APIClient, alice: User) -> None:
    image = upload_urls.url_of(uploads.store_image(alice, upload(picture())))
    body = {
        "prompt": "string",
        "image_urls": [image],
        "aspect_ratio": "landscape",
        "quality": "hd",
        "webhook_url": "https://example.com/hook",
    }
    answer = post(api, "/api/videos/image-to-video", json.dumps(body))
    assert (answer.status_code, answer.json()) == (
        200,
        {
            "success": True,
            "task_id": str(Video.objects.get().pk),
            "message": "Image-to-video task created successfully. Credits deducted.",
            "credits_estimated": 35,
            "estimated_time": 180,
        },
    )


def test_system_c_2_4_task_status(api: APIClient, completed_video: Video, alice: User) -> None:
    answer = api.get(f"/api/videos/tasks/{completed_video.pk}").json()
    assert has_documented_fields(answer, TASK)
    assert answer["error_message"] is None
    lost = api.get(f"/api/videos/tasks/{failed(order(alice)).pk}").json()
    assert has_documented_fields(lost, '{"status": "FAILED", "error_message": "string"}')
    assert set(answer) == set(json.loads(TASK)) | {"error_message"}


def test_system_c_3_1_task_details(api: APIClient, alice: User) -> None:
    printed = """
    {
      "task_id": "uuid-string",
      "user_id": "uuid-string",
      "task_type": "TEXT_TO_VIDEO",
      "status": "processing",
      "progress": 50.0,
      "result_url": null,
      "error_message": null,
      "created_at": "2025-01-05T12:00:00Z",
      "updated_at": "2025-01-05T12:01:00Z",
      "completed_at": null
    }
    """
    answer = api.get(f"/api/tasks/{running(order(alice), progress=50).pk}").json()
    assert (set(answer), has_documented_fields(answer, printed)) == (set(json.loads(printed)), True)
    same = ("task_type", "status", "progress")
    assert [answer[name] for name in same] == [json.loads(printed)[name] for name in same]


def test_system_c_3_2_user_tasks(api: APIClient, completed_video: Video) -> None:
    answer = api.get("/api/tasks/user/tasks?page=1&page_size=10&status=completed").json()
    assert list(answer) == ["tasks", "total", "page", "page_size"]
    assert (answer["total"], answer["page"], answer["page_size"]) == (1, 1, 10)
    detail = json.loads(TASK) | {"user_id": "x", "task_type": "x"}
    assert has_documented_fields(answer["tasks"][0], json.dumps(detail))


def test_system_c_3_3_cancel(api: APIClient, alice: User) -> None:
    answer = api.delete(f"/api/tasks/{order(alice).pk}")
    assert (answer.status_code, answer.json()) == (200, {"message": "Task cancelled successfully"})


def test_system_c_3_4_retry(api: APIClient, alice: User) -> None:
    lost = failed(order(alice))
    answer = api.post(f"/api/tasks/{lost.pk}/retry")
    new = Video.objects.get(retry_of=lost)
    assert (answer.status_code, answer.json()) == (
        200,
        {
            "message": "Task retry initiated",
            "task_id": str(new.pk),
            "original_task_id": str(lost.pk),
        },
    )


def test_system_c_notes_1_upload_first(api: APIClient, settings: LazySettings) -> None:
    for url in ("data:image/png;base64,AAAA", "blob:https://a/b", "https://oss.example.com/1.jpg"):
        body = json.dumps({"prompt": "string", "image_urls": [url]})
        answer = post(api, "/api/videos/image-to-video", body)
        assert answer.status_code == 400
        assert answer.json()["detail"].startswith("Upload the file first")


def test_system_c_workflow_from_sign_in_to_file(
    live: ServerThread, alice: User, finish: Callable[[Video], Video]
) -> None:
    token = tokens.sign_in(alice, Session.Grant.TEST).access
    with httpx2.Client(base_url=live.url, headers={"Authorization": f"Bearer {token}"}) as client:
        picture = photo("PNG", (1000, 900))  # beyond what is held in memory
        sent = client.post(
            "/api/videos/upload",
            files={"file": ("sea.png", picture, "image/png")},
            data={"file_type": "image"},
        ).json()
        body = {"prompt": "The waves begin to move [[instant]]", "image_urls": [sent["file_url"]]}
        made = client.post("/api/videos/image-to-video", json=body).json()
        assert made["credits_estimated"] == 25
        finish(Video.objects.get(pk=made["task_id"]))
        task = client.get(f"/api/videos/tasks/{made['task_id']}").json()
    assert (task["status"], task["progress"]) == ("SUCCEEDED", 100.0)
    film = httpx2.get(task["result_url"])
    assert (film.headers["content-type"], film.content[4:8]) == ("video/mp4", b"ftyp")
