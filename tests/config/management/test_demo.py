"""The demo clips of the first run."""

import pytest
from django.conf import LazySettings

from config.management.commands import demo
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
