"""The explanation of a failure: its cause, the credits and the remedies."""

import re
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.conf import settings as configured
from django.test import Client
from django.utils import translation

from accounts.models import User
from tests.videos.conftest import answered, completed, order, reloaded, running
from videos import engines, failures
from videos.engines.base import JobState
from videos.engines.errors import EngineError, Refused
from videos.failures import Explanation, Remedy
from videos.jobs import orders, state_machine
from videos.models import Video

STOPPED = "The engine stopped. The cause was not your prompt."
OTHER_MODEL = Remedy("other_model", "Try another model: Sora 2 Pro.", "model", "sora-2-pro")
WAIT = Remedy("wait", "Try again in a few minutes.")


def explain_failure(user: User, code: str, detail: str = "It broke.", **fields: Any) -> Explanation:
    """Explain a failure with this code and text of the engine."""
    refusal = Refused(detail, code=code)
    video = answered(running(order(user, **fields)), JobState.FAILED, failure=refusal)
    found = failures.explain(video)
    assert found
    return found


@pytest.mark.parametrize(
    ("code", "cause", "remedy"),
    [
        ("moderation_blocked", "moderation_blocked", "rephrase"),
        ("content_policy_violation", "moderation_blocked", "rephrase"),
        ("internal_error", "internal_error", "other_model"),
        ("video_generation_failed", "generation_failed", "other_model"),
        ("500", "internal_error", "other_model"),
        ("501", "generation_failed", "other_model"),
        ("result_unavailable", "result_unavailable", "wait"),
        ("foreign_result", "result_unavailable", "wait"),
        ("upstream_lost_job", "upstream_lost_job", "wait"),
        ("submit_lost", "submit_lost", "wait"),
        ("upstream_auth", "upstream_auth", "wait"),
        ("upstream_out_of_credit", "upstream_out_of_credit", "wait"),
        ("too_long", "too_long", "shorten"),
        ("engine_out_of_memory", "engine_out_of_memory", "shorten"),
        ("no_such_model", "unsupported", "other_model"),
        ("invalid_asset", "image_unreadable", "other_image"),
        ("runner_disconnected", "generation_failed", "other_model"),
        ("startup_timeout", "queue_timeout", "wait"),
        ("INTERNAL.BAD_OUTPUT.CODE01", "generation_failed", "other_model"),
        ("upstream_budget_exceeded", "upstream_out_of_credit", "wait"),
        ("<script>", "generation_failed", "other_model"),
        ("", "generation_failed", "other_model"),
    ],
)
def test_every_code_has_a_cause_and_a_remedy(
    alice: User, code: str, cause: str, remedy: str
) -> None:
    found = explain_failure(alice, code or "refused", seconds=8)
    assert (found.code, found.remedy and found.remedy.code) == (cause, remedy)


@pytest.mark.parametrize(
    ("detail", "why"),
    [
        ("Your request was blocked by our moderation system.", ""),
        ("Blocked: sexual content involving minors", "sexual content with minors"),
        ("NSFW content detected", "sexual content"),
        ("Prompt violates policy (graphic violence)", "violence"),
        ("It may contain third-party content", "characters or works of others"),
        ("Contains a public figure.", "real people"),
        ("content_policy: self_harm", "self-harm"),
    ],
)
def test_blocked_video_names_the_rule_that_the_engine_names(
    alice: User, detail: str, why: str
) -> None:
    found = explain_failure(alice, "moderation_blocked", detail)
    stopped = "The content check stopped this prompt"
    assert found.sentence == (f"{stopped}: {why}." if why else f"{stopped}.")


def subclasses(kind: type[EngineError]) -> set[type[EngineError]]:
    return {kind}.union(*map(subclasses, kind.__subclasses__()))


def test_every_code_that_an_adapter_gives_has_a_sentence_of_its_own() -> None:
    for found in Path(engines.__file__).parent.rglob("*.py"):
        import_module(".".join(found.relative_to(configured.BASE_DIR).with_suffix("").parts))
    final = {kind.code for kind in subclasses(Refused)}
    sources = "".join(path.read_text() for path in Path(engines.__file__).parent.rglob("*.py"))
    written = set(re.findall(r'(?:code=|OUT_OF_MEMORY = )"([^"]+)"', sources))
    assert "engine_out_of_memory" in written
    known = failures.CAUSES.keys() | failures.CODE_ALIASES.keys()
    assert sorted((final | written) - known) == []


def test_every_alias_means_a_code_with_a_sentence() -> None:
    assert set(failures.CODE_ALIASES.values()) - failures.CAUSES.keys() == set()


def test_staff_read_what_the_engine_said_and_the_user_does_not(
    alice: User, staff_client: Client, page: Client
) -> None:
    refusal = Refused("KSampler: Allocation on device 0", code="engine_out_of_memory")
    video = answered(running(order(alice)), JobState.FAILED, failure=refusal)
    seen = staff_client.get(f"/admin/videos/video/{video.pk}/change/").content.decode()
    assert "KSampler: Allocation on device 0" in seen
    shown = page.get(f"/v/{video.pk}/").content.decode()
    assert "The engine ran out of memory while it made this video." in shown
    assert "Choose a shorter video: 4 seconds." not in shown  # it was the shortest
    assert "KSampler" not in shown


@pytest.mark.parametrize(
    ("engine_text", "cause", "remedy"),
    [
        (
            "Inpaint image must match the requested width and height",
            "image_size",
            Remedy("fit_image", "Fit the image to 1280x720.", "input_reference", "1280x720"),
        ),
        (
            "Input image contains a real person",
            "people_refused",
            Remedy("other_image", "Use another image.", "input_reference"),
        ),
        (
            "'input_reference' is not a readable JPEG, PNG or WebP.",
            "image_unreadable",
            Remedy("other_image", "Use another image.", "input_reference"),
        ),
        (
            "The prompt exceeds the maximum length",
            "prompt_too_long",
            Remedy("shorten_prompt", "Shorten the prompt.", "prompt"),
        ),
        (
            "Invalid value for seconds",
            "too_long",
            Remedy("shorten", "Choose a shorter video: 4 seconds.", "seconds", 4),
        ),
        (
            "size is not within the range of allowed options",
            "size_refused",
            Remedy("other_size", "Choose another size: 720x1280.", "size", "720x1280"),
        ),
        ("No.", "invalid_request", OTHER_MODEL),
    ],
)
def test_explanation_names_the_reason_when_the_engine_refused_the_order(
    alice: User, engine_text: str, cause: str, remedy: Remedy
) -> None:
    found = explain_failure(alice, "invalid_request", engine_text, seconds=8)
    assert (found.code, found.remedy) == (cause, remedy)
    assert engine_text not in f"{found.sentence} {found.remedy}"


def test_breakdown_is_not_explained_as_a_refusal(alice: User) -> None:
    found = explain_failure(alice, "internal_error", "Internal error, try again in 30 seconds")
    assert (found.code, found.sentence, found.remedy) == ("internal_error", STOPPED, OTHER_MODEL)


def test_explanation_names_the_progress_when_it_is_known(alice: User) -> None:
    refusal = Refused("It broke.", code="internal_error")
    rendering = running(running(order(alice), progress=72.6))
    found = failures.explain(answered(rendering, JobState.FAILED, failure=refusal))
    assert found
    assert found.sentence == "The engine stopped at 72%. The cause was not your prompt."


def test_explanation_names_the_refunded_credits(alice: User) -> None:
    assert explain_failure(alice, "internal_error").returned == "Your 20 credits were returned."
    Video.objects.update(credits=1)
    found = failures.explain(Video.objects.get())
    assert found
    assert found.returned == "Your 1 credit was returned."


def test_other_model_is_advised_when_it_can_make_such_a_video(alice: User) -> None:
    pro = {"model": "sora-2-pro"}
    found = explain_failure(alice, "internal_error", **pro)
    assert found.remedy == Remedy("other_model", "Try another model: Sora 2.", "model", "sora-2")
    assert explain_failure(alice, "internal_error", size="1792x1024", **pro).remedy == WAIT


def test_waiting_is_advised_when_no_shorter_length_is_offered(alice: User) -> None:
    assert explain_failure(alice, "too_long", seconds=4).remedy == WAIT


def test_no_other_model_is_advised_when_the_video_is_a_remix(alice: User, mp4: bytes) -> None:
    remix = orders.remix(completed(order(alice), mp4), "At night")
    video = answered(running(remix), JobState.FAILED, failure=Refused("x", code="internal_error"))
    found = failures.explain(video)
    assert found
    assert found.remedy == WAIT


def test_nothing_is_advised_when_the_video_was_cancelled(alice: User) -> None:
    video = order(alice)
    assert (failures.explain(video), failures.sentence(video)) == (None, "")
    state_machine.cancel(video)
    assert failures.explain(reloaded(video)) == Explanation(
        "cancelled", "You cancelled this.", "Your 20 credits were returned.", None
    )


def test_no_model_is_advised_when_no_engine_offers_it(alice: User, settings: LazySettings) -> None:
    sandbox = settings.ENGINES["sandbox"]
    settings.ENGINES = {"sandbox": {**sandbox, "offered_models": "sora-2"}}
    assert explain_failure(alice, "internal_error").remedy == WAIT


@pytest.mark.parametrize("language", ["en", "zh-hans", "ja"])
def test_every_cause_and_remedy_is_translatable(alice: User, language: str) -> None:
    video = order(alice)
    Video.objects.filter(pk=video.pk).update(status="failed", seconds=8)
    with translation.override(language):
        for code, (_, remedy) in failures.CAUSES.items():
            stored = reloaded(video)
            stored.failure_code = code
            found = failures.explain(stored)
            assert found
            assert found.code == code
            assert found.sentence
            assert remedy == "" or (found.remedy and found.remedy.text)
