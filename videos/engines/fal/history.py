"""Search fal's list of an account's requests for a job whose submit was not answered."""

import logging
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import httpx2

from videos.engines import json_api, status_words, templates
from videos.engines.base import RenderRequest
from videos.engines.errors import EngineError
from videos.engines.fal import errors, ids

log = logging.getLogger(__name__)

# Inputs contain images up to images.MAX_INLINE_BYTES, and a page has to fit an answer.
PAGE = 50
MAX_PAGES = 10


class RequestHistory:
    """The list of requests of one account, by model, with the inputs that fal keeps."""

    def __init__(self, client: httpx2.Client, api_url: str) -> None:
        self._client = client
        self._url = f"{api_url}/models/requests/by-endpoint"

    def find(self, order: RenderRequest, model: str, since: datetime) -> list[str]:
        """Ids of requests since then whose input may be this order's, newest first.

        None at all if the list cannot be read: some keys may not, and a callback may still come.
        """
        try:
            listed = list(self._requests(model, since))
        except EngineError as error:
            log.warning("the list of requests cannot be read: %s", error)
            return []
        found = [
            (at, request["request_id"])
            for request in listed
            if (at := _sent_at(request, since)) and _is_for(request, order, model)
        ]
        return [request_id for _, request_id in sorted(found, reverse=True)]

    def _requests(self, model: str, since: datetime) -> Iterator[Any]:
        asked = {
            "endpoint_id": model,
            "start": since.isoformat(),
            "expand": "payloads",
            "limit": str(PAGE),
        }
        cursor = ""
        for _ in range(MAX_PAGES):
            params = {**asked, "cursor": cursor} if cursor else asked
            answer = json_api.send(
                self._client, "GET", self._url, read_error=errors.read_error, params=params
            )
            found = answer if isinstance(answer, dict) else {}
            items = found.get("items")
            yield from items if isinstance(items, list) else ()
            cursor = str(found.get("next_cursor") or "")
            if not (found.get("has_more") and cursor):
                return


def _sent_at(request: Any, since: datetime) -> datetime | None:
    """When an entry was sent; None for one that is older, or cannot be read."""
    if not isinstance(request, dict):
        return None
    request_id, at = (
        request.get("request_id"),
        status_words.parse_iso_timestamp(request.get("sent_at")),
    )
    readable = isinstance(request_id, str) and ids.REQUEST_ID.fullmatch(request_id)
    return at if at and readable and at >= since else None


def _is_for(request: dict[str, Any], order: RenderRequest, model: str) -> bool:
    same_model = request.get("endpoint_id") in {model, None}
    return same_model and templates.may_be_input_of(order, request.get("json_input"))
