"""Times in the JSON of answers: ISO 8601 in UTC, whole seconds, ending in Z.

Source: C16, C29, C33.
"""

from datetime import UTC, datetime
from typing import Any

from rest_framework.renderers import JSONRenderer
from rest_framework.utils.encoders import JSONEncoder


def iso(moment: datetime) -> str:
    """Return a time as every answer of the API writes it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class WholeSecondsEncoder(JSONEncoder):
    """Write times as `iso` does."""

    def default(self, obj: Any) -> Any:
        return iso(obj) if isinstance(obj, datetime) else super().default(obj)


class WholeSecondsRenderer(JSONRenderer):
    """The renderer of every API view; serializers leave times to it (DATETIME_FORMAT)."""

    encoder_class = WholeSecondsEncoder
