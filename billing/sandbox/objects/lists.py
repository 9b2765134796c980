"""The list object."""

from typing import Any

from billing.sandbox.database import Json


def list_object(url: str, data: list[Json], *, has_more: bool = False) -> dict[str, Any]:
    return {"object": "list", "data": data, "has_more": has_more, "url": url}
