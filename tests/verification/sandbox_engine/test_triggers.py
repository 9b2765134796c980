"""Every trigger word, as seen by a client."""

import io
from typing import Any

import av
import httpx2
import pytest
from openai import APIConnectionError, APIStatusError, BadRequestError, NotFoundError

from config.lib.sandbox.pace import pace_factor
from tests.verification.sandbox_engine.client import Sandbox, make_older
from videos.sandbox import triggers
from videos.sandbox.jobs import timeline
from videos.sandbox.triggers import Triggers


def at(prompt: str, seconds: float, speed: float = 1) -> tuple[str, int]:
    stage = timeline.stage(Triggers(prompt), pace_factor(speed), seconds)
    return stage.status, stage.progress


@pytest.mark.parametrize(
    ("prompt", "moments"),
    [
        ("a", {0: ("queued", 0), 2.1: ("in_progress", 10), 10: ("in_progress", 50)}),
        ("[[ok]]", {19.9: ("in_progress", 99), 20: ("completed", 99)}),
        ("[[instant]]", {0: ("queued", 0), 0.01: ("completed", 99)}),
        ("[[slow:60]]", {6: ("queued", 0), 30: ("in_progress", 50), 60: ("completed", 99)}),
        ("[[hang]]", {4: ("in_progress", 20), 10: ("in_progress", 33), 9e9: ("in_progress", 33)}),
        (
            "[[stall:90]]",
            {18: ("in_progress", 90), 130: ("in_progress", 90), 138: ("completed", 99)},
        ),
        ("[[noprogress]]", {10: ("in_progress", 0), 20: ("completed", 0)}),
        (
            "[[backwards]]",
            {8: ("in_progress", 60), 12: ("in_progress", 20), 19.9: ("in_progress", 98)},
        ),
        ("[[fail:x]]", {10: ("in_progress", 50), 20: ("failed", 99)}),
        ("[[error:string]]", {20: ("failed", 99)}),
        ("[[status:cancelled]]", {10: ("in_progress", 50), 20: ("cancelled", 99)}),
    ],
)
def test_stages_follow_the_trigger_words_when_time_passes(
    prompt: str, moments: dict[float, tuple[str, int]]
) -> None:
    assert {moment: at(prompt, moment) for moment in moments} == moments


def test_progress_follows_the_encoded_frames_when_drawing_takes_longer_than_the_pace() -> None:
    late = timeline.stage(Triggers("sea"), pace_factor(20), age_seconds=60)
    shown = [timeline.while_rendering(late, percent) for percent in (0, 1, 40, 100)]
    assert [(stage.status, stage.progress) for stage in shown] == [
        *[("queued", 0), ("in_progress", 1), ("in_progress", 40), ("in_progress", 99)]
    ]


def test_durations_scale_when_the_speed_changes() -> None:
    assert at("[[slow:60]]", 2.9, speed=20)[0] == "in_progress"
    assert at("[[slow:60]]", 3.0, speed=20)[0] == "completed"
    assert at("[[slow:60]]", 0.001, speed=0)[0] == "completed"
    assert at("[[hang]]", 0.001, speed=0) == ("in_progress", 33)


def test_words_have_no_effect_when_they_are_malformed() -> None:
    words = Triggers("[[slow:x]] [[http:200]] [[http:x]] [[poll:5]] [[webhook:late:x]] [[]] [[a")
    assert timeline.duration_seconds(words, 1) == 60
    assert (words.http(), words.fault("poll"), words.webhook()) == (None, None, ("late", 0.0))


def test_caption_has_no_trigger_words_when_the_prompt_has_some() -> None:
    assert triggers.caption(" a  [[ok]] calm\nsea[[fail:x]] ") == "a calm sea"


@pytest.mark.parametrize("code", ["moderation_blocked", "internal_error", "my_code"])
def test_job_fails_with_the_code_when_the_prompt_says_fail(sandbox: Sandbox, code: str) -> None:
    video = sandbox.create_completed(f"a [[fail:{code}]]")
    assert (video.status, video.error and video.error.code) == ("failed", code)
    assert (video.completed_at, video.expires_at) == (None, None)


def test_outcome_changes_when_the_prompt_says_error_or_status(sandbox: Sandbox) -> None:
    strung = sandbox.create_completed("a [[error:string]]")
    assert (strung.status, str(strung.error)) == ("failed", "The video could not be generated.")
    cancelled = sandbox.create_completed("a [[status:cancelled]]")
    assert (cancelled.status, cancelled.error) == ("cancelled", None)
    sandbox.client.videos.delete(cancelled.id)


def test_video_object_has_two_keys_when_the_prompt_says_minimal(sandbox: Sandbox) -> None:
    made = sandbox.http("POST", "/videos", json={"prompt": "a [[minimal]] [[fail:x]]"}).json()
    assert set(made) == {"id", "status"}
    assert sandbox.http("GET", f"/videos/{made['id']}").json() == {**made, "status": "failed"}


@pytest.mark.parametrize("status", [401, 402, 409, 429, 500, 503])
def test_create_answers_the_status_when_the_prompt_says_http(sandbox: Sandbox, status: int) -> None:
    for _ in range(2):
        with pytest.raises(APIStatusError) as answer:
            sandbox.client.videos.create(prompt=f"a [[http:{status},7]]")
        assert answer.value.status_code == status
        assert answer.value.response.headers["retry-after"] == "7"
    assert list(sandbox.client.videos.list()) == []


def test_create_answers_400_when_the_prompt_says_reject(sandbox: Sandbox) -> None:
    with pytest.raises(BadRequestError) as answer:
        sandbox.client.videos.create(prompt="a [[reject:moderation_blocked]]")
    assert answer.value.code == "moderation_blocked"
    assert "blocked by our moderation" in answer.value.message


@pytest.mark.parametrize("word", ["http:500", "reject:x", "drop:before"])
def test_only_the_first_create_fails_when_the_prompt_says_once(sandbox: Sandbox, word: str) -> None:
    prompt = f"a [[{word}]] [[once]] [[fail:x]]"
    for client in (sandbox.client, sandbox.stranger):
        with pytest.raises((APIStatusError, APIConnectionError)):
            client.videos.create(prompt=prompt)
        client.videos.create(prompt=prompt)
        assert len(list(client.videos.list())) == 1


def test_no_job_is_stored_when_the_prompt_says_drop_before(sandbox: Sandbox) -> None:
    for _ in range(2):
        with pytest.raises(APIConnectionError):
            sandbox.client.videos.create(prompt="a [[drop:before]]")
    assert list(sandbox.client.videos.list()) == []


def test_job_is_stored_when_the_prompt_says_drop_after(sandbox: Sandbox) -> None:
    with pytest.raises(APIConnectionError):
        sandbox.client.videos.create(prompt="a [[drop:after]] [[fail:x]]")
    assert [video.prompt for video in sandbox.client.videos.list()] == [
        "a [[drop:after]] [[fail:x]]"
    ]
    sandbox.client.videos.create(prompt="a [[drop:after]] [[fail:x]]")
    assert len(list(sandbox.client.videos.list())) == 2


def test_retrieve_fails_the_given_times_when_the_prompt_says_poll(sandbox: Sandbox) -> None:
    video = sandbox.client.videos.create(prompt="a [[poll:500x3]] [[fail:x]]")
    path = f"/videos/{video.id}"
    statuses = [sandbox.http("GET", path).status_code for _ in range(5)]
    assert statuses == [500, 500, 500, 200, 200]
    lost = sandbox.client.videos.create(prompt="a [[poll:404]] [[fail:x]]")
    for _ in range(3):
        with pytest.raises(NotFoundError):
            sandbox.client.videos.retrieve(lost.id)
    page = sandbox.client.videos.create(prompt="a [[poll:htmlx1]] [[fail:x]]")
    answer = sandbox.http("GET", f"/videos/{page.id}")
    assert (answer.status_code, answer.headers["content-type"][:9]) == (200, "text/html")
    assert sandbox.client.videos.retrieve(page.id).status == "failed"


def test_download_fails_the_given_times_when_the_prompt_says_content(sandbox: Sandbox) -> None:
    twice = f"/videos/{sandbox.create_completed('sea [[content:404x2]]').id}/content"
    assert [sandbox.http("GET", twice).status_code for _ in range(3)] == [404, 404, 200]
    page = sandbox.http(
        "GET", f"/videos/{sandbox.create_completed('sea [[content:html]]').id}/content"
    )
    assert (page.status_code, page.headers["content-type"][:9]) == (200, "text/html")
    expired = sandbox.http(
        "GET", f"/videos/{sandbox.create_completed('sea [[content:expired]]').id}/content"
    )
    assert expired.status_code == 404
    assert "has expired" in expired.text


def test_download_ends_early_when_the_prompt_says_content_truncate(sandbox: Sandbox) -> None:
    video = sandbox.create_completed("sea [[content:truncatex1]]")
    with pytest.raises((APIConnectionError, httpx2.RemoteProtocolError)):
        sandbox.client.videos.download_content(video.id).read()
    assert sandbox.client.videos.download_content(video.id).read()[4:8] == b"ftyp"


def streams(sandbox: Sandbox, prompt: str) -> dict[str, Any]:
    content = sandbox.client.videos.download_content(sandbox.create_completed(prompt).id).read()
    with av.open(io.BytesIO(content)) as container:
        video = container.streams.video[0]
        return {"size": (video.width, video.height), "sound": len(container.streams.audio)}


def test_file_differs_when_the_prompt_says_size_mismatch_or_silent(sandbox: Sandbox) -> None:
    assert streams(sandbox, "sea [[size:mismatch]]") == {"size": (640, 360), "sound": 1}
    assert streams(sandbox, "sea [[silent]]") == {"size": (720, 1280), "sound": 0}


def test_progress_stays_at_33_when_the_prompt_says_hang(sandbox: Sandbox) -> None:
    video = sandbox.client.videos.create(prompt="a [[hang]]")
    make_older(video.id, 1e6)
    answer = sandbox.client.videos.retrieve(video.id)
    assert (answer.status, answer.progress) == ("in_progress", 33)
