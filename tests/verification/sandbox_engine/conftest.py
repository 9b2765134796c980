"""The sandbox engine of a test."""

import pytest
from django.conf import LazySettings

from tests.verification.sandbox_engine.client import Sandbox


@pytest.fixture
def sandbox(
    settings: LazySettings, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Sandbox:
    directory = tmp_path_factory.getbasetemp() / "sandbox"
    return Sandbox(settings, directory, f"sk-{request.node.name}")
