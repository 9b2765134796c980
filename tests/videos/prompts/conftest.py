"""The chat model that improves prompts."""

from collections.abc import Iterator

import pytest
from django.conf import LazySettings

from tests.engine_servers.chat import ChatServer
from tests.engine_servers.loopback import serving


@pytest.fixture
def chat(settings: LazySettings) -> Iterator[ChatServer]:
    """The configured chat model."""
    with serving(ChatServer()) as server:
        settings.PROMPT_HELP_MODEL = "small"
        settings.PROMPT_HELP_BASE_URL = f"{server.url}/v1"
        yield server
