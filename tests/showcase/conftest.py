"""A finished video's file."""

import pytest

from tests.videos.conftest import clip as drawn


@pytest.fixture(scope="session")
def mp4() -> bytes:
    return drawn()
