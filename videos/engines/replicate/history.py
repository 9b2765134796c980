"""Search Replicate's list of predictions for one whose submit was not answered."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx2

from videos.engines import json_api, status_words, templates
from videos.engines.base import Job, RenderRequest
from videos.engines.errors import BadAnswer, Unavailable, Unsupported
from videos.engines.replicate import errors, predictions

MAX_PAGES = 20  # of a hundred predictions
# How long a prediction may take to show in the list, from two minutes before its submit on.
LISTED_AFTER = timedelta(minutes=3, seconds=30)
SEARCH_AGAIN_SECONDS = 15.0
# After one hour the list has no inputs any more.
INPUTS_KEPT = timedelta(minutes=55)


class PredictionHistory:
    """The list of one account's predictions, newest first."""

    def __init__(self, client: httpx2.Client, base_url: str) -> None:
        self._client = client
        self._start = f"{base_url.rstrip('/')}/predictions"

    def find(self, order: RenderRequest, since: datetime) -> list[Job]:
        """The predictions since then with this order's model and input, newest first.

        Raises Unsupported when the list cannot tell, Unavailable when it is too long, or too young
        to show that there is none.
        """
        if datetime.now(UTC) - since > INPUTS_KEPT:
            raise Unsupported("Replicate keeps the inputs of predictions for an hour only")
        entries = [predictions.as_prediction(entry) for entry in self._since(since)]
        listed = [entry for entry in entries if entry and entry.get("model") == order.model]
        found = [
            predictions.parse(prediction)
            for prediction in listed
            if templates.may_be_input_of(order, prediction.get("input"))
        ]
        if not found and None in entries:  # it may be the one that is searched for
            raise BadAnswer("the list has entries that are no predictions")
        if not found and not all(prediction.get("input") for prediction in listed):
            raise Unsupported("the list does not contain all inputs")
        if not found and datetime.now(UTC) - since < LISTED_AFTER:
            # To submit again now could pay for a second prediction.
            raise Unavailable("the list may not have it yet", retry_after=SEARCH_AGAIN_SECONDS)
        return found

    def _since(self, since: datetime) -> Iterator[Any]:
        url = f"{self._start}?{urlencode({'created_after': since.isoformat()})}"
        for _ in range(MAX_PAGES):
            page = json_api.send(self._client, "GET", url, read_error=errors.read_error)
            listed = page.get("results") if isinstance(page, dict) else None
            if not isinstance(listed, list):
                raise BadAnswer(f"not a list of predictions: {str(page)[:300]}")
            for entry in listed:
                if _is_older(entry, since):
                    return
                yield entry
            url = _address_of_next(page, self._start)
            if not url:
                return
        raise Unavailable("too many predictions to search")


def _address_of_next(page: Mapping[str, Any], start: str) -> str:
    """The address of the next page, "" after the last; only its query is the server's."""
    query = urlsplit(str(page.get("next") or "")).query
    return f"{start}?{query}" if query else ""


def _is_older(entry: Any, since: datetime) -> bool:
    at = entry.get("created_at") if isinstance(entry, dict) else None
    created_at = status_words.parse_iso_timestamp(at)
    return created_at is not None and created_at < since
