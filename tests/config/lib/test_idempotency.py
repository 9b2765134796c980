"""Which header values are idempotency keys, and when two requests are the same."""

from decimal import Decimal
from uuid import UUID

import pytest
from django.http import HttpHeaders

from config.lib.idempotency import BadIdempotencyKey, fingerprint, read_key


def headers(value: str) -> HttpHeaders:
    return HttpHeaders({"HTTP_IDEMPOTENCY_KEY": value})


def test_key_is_empty_when_there_is_no_header() -> None:
    assert read_key(HttpHeaders({})) == ""


@pytest.mark.parametrize("key", ["a", "order 7/b", "~" * 255, "8f14e45f-ceea"])
def test_key_is_trimmed_when_it_is_valid(key: str) -> None:
    assert read_key(headers(f" {key}\t")) == key


@pytest.mark.parametrize("key", ["", "  ", "x" * 256, "käse", "a\x00b", "a\x7f", "a\nb", "ключ"])
def test_key_is_refused_when_it_is_not_printable_ascii(key: str) -> None:
    with pytest.raises(BadIdempotencyKey):
        read_key(headers(key))


def test_fingerprint_is_equal_when_the_data_is_reordered() -> None:
    one = {"package": "trial", "amount": Decimal("1.50"), "id": UUID(int=1), "size": None}
    other = dict(reversed(one.items()))
    assert (fingerprint(one), len(fingerprint(one))) == (fingerprint(other), 64)


@pytest.mark.parametrize(
    "other", [{}, {"a": 2}, {"a": "1"}, {"a": None}, {"a": True}, {"b": 1}, {"a": [1]}, ["a", 1]]
)
def test_fingerprint_differs_when_the_data_differs(other: object) -> None:
    assert fingerprint(other) != fingerprint({"a": 1})
