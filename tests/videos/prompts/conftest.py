"""The chat model that improves prompts."""

from collections.abc import Iterator

import pytest
from django.conf import LazySettings

from tests.videos.prompts.chat_server import ChatServer


@pytest.fixture
def chat(settings: LazySettings) -> Iterator[ChatServer]:
    """The configured chat model."""
    server = ChatServer()
    settings.PROMPT_HELP_MODEL, settings.PROMPT_HELP_BASE_URL = "small", server.url
    yield server
    server.close()
