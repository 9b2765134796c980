"""The demo clips of the first run."""

import pytest
from django.conf import LazySettings

from config.management.commands import demo, serve
from videos.models import Video


@pytest.mark.parametrize(("is_sandbox", "ordered"), [("1", len(demo.PROMPTS)), ("", 0)])
def test_clips_are_ordered_at_the_sandbox_engine_only(
    db: None, settings: LazySettings, is_sandbox: str, ordered: int
) -> None:
    """From a real engine they would cost the operator money."""
    settings.ENGINES = {"one": {**settings.ENGINES["sandbox"], "is_sandbox": is_sandbox}}
    demo.people()
    for _ in range(2):
        demo.clips()
    assert Video.objects.count() == ordered


@pytest.mark.parametrize(
    ("is_sandbox", "first_run", "has"),
    [
        (
            "1",
            "First run: created the database, created a demo user, ordered four clips.",
            "(has credits and a few clips)",
        ),
        ("", "First run: created the database, created a demo user.", "(has credits)"),
    ],
)
def test_start_message_says_what_the_first_run_did(
    db: None, settings: LazySettings, is_sandbox: str, first_run: str, has: str
) -> None:
    settings.ENGINES = {"one": {**settings.ENGINES["sandbox"], "is_sandbox": is_sandbox}}
    demo.people()
    demo.clips()
    lines = [line.strip() for line in serve.start_message(True).splitlines()]
    assert first_run in lines
    assert [line for line in lines if line.endswith(has)] != []


def test_start_message_names_no_demo_user_when_there_is_none(db: None) -> None:
    message = serve.start_message(True)
    assert ("First run: created the database." in message, "demo" in message) == (True, False)
