"""The merchant of a test."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import LazySettings

from tests.verification.sandbox_stripe.merchant import Merchant


@pytest.fixture
def merchant(settings: LazySettings, tmp_path: Path) -> Iterator[Merchant]:
    merchant = Merchant(settings, tmp_path / "sandbox")
    yield merchant
    merchant.receiver.close()
