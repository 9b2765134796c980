"""A prepared query finds what its queryset finds, and builds its SQL once."""

import threading
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connections
from django.db.models import CharField, DateTimeField, Model, QuerySet, UUIDField
from django.utils import timezone

from accounts.auth import api_keys
from accounts.models import ApiKey, User
from config.lib.prepared_queries import PreparedQuery, PreparedRows

pytestmark = pytest.mark.django_db


def keys_of(user_id: Any, since: Any) -> QuerySet[ApiKey]:
    return (
        ApiKey.objects.select_related("user")
        .filter(user_id=user_id, created_at__gt=since, revoked_at=None)
        .order_by("name")
    )


def fields_of(instance: Model) -> dict[str, Any]:
    return {field.attname: getattr(instance, field.attname) for field in instance._meta.fields}


@pytest.fixture
def keys(alice: User) -> list[ApiKey]:
    return [api_keys.issue(alice, name, ["read"])[0] for name in ("first", "second")]


def test_instances_equal_those_of_the_queryset(alice: User, keys: list[ApiKey]) -> None:
    prepared = PreparedQuery(keys_of, UUIDField, DateTimeField)
    since = timezone.now() - timedelta(minutes=1)

    found, expected = prepared.all(alice.pk, since), list(keys_of(alice.pk, since))

    assert [fields_of(key) for key in found] == [fields_of(key) for key in expected]
    assert [key.name for key in found] == ["first", "second"]


def test_joined_models_come_with_the_instance(
    alice: User, keys: list[ApiKey], django_assert_num_queries: Any
) -> None:
    prepared = PreparedQuery(keys_of, UUIDField, DateTimeField)

    with django_assert_num_queries(1):
        owner = prepared.all(alice.pk, timezone.now() - timedelta(minutes=1))[0].user

    alice.refresh_from_db()
    assert fields_of(owner) == fields_of(alice)


def test_instances_can_be_changed_and_stored(alice: User, keys: list[ApiKey]) -> None:
    found = PreparedQuery(keys_of, UUIDField, DateTimeField).all(
        alice.pk, timezone.now() - timedelta(minutes=1)
    )[0]

    found.name = "third"
    found.save()

    assert sorted(ApiKey.objects.values_list("name", flat=True)) == ["second", "third"]


def test_each_run_has_its_own_values(alice: User, keys: list[ApiKey]) -> None:
    prepared = PreparedQuery(keys_of, UUIDField, DateTimeField)
    now = timezone.now()

    assert [
        prepared.first(alice.pk, now - timedelta(minutes=1)),
        prepared.first(alice.pk, now + timedelta(minutes=1)),
        prepared.first(uuid4(), now - timedelta(minutes=1)),
        prepared.first(alice.pk, now - timedelta(minutes=1)),
    ] == [keys[0], None, None, keys[0]]


def test_rows_have_the_values_of_the_fields(alice: User, keys: list[ApiKey]) -> None:
    prepared = PreparedRows(
        lambda name: ApiKey.objects.filter(name=name).values_list("id", "scopes", "created_at"),
        CharField,
    )

    assert prepared.all("first") == [(keys[0].pk, ["read"], keys[0].created_at)]
    assert prepared.all("unknown") == []


def test_the_queryset_is_built_once(alice: User, keys: list[ApiKey]) -> None:
    built: list[Any] = []

    def build(name: Any) -> QuerySet[ApiKey]:
        built.append(name)
        return ApiKey.objects.filter(name=name)

    prepared = PreparedQuery(build, CharField)
    for name in ("first", "second", "first"):
        prepared.all(name)

    assert len(built) == 1


@pytest.mark.django_db(transaction=True)
def test_threads_share_a_query_and_not_a_connection(alice: User, keys: list[ApiKey]) -> None:
    prepared = PreparedQuery(lambda name: ApiKey.objects.filter(name=name), CharField)
    found: list[list[str]] = []

    def run() -> None:
        try:
            found.append([prepared.all(name)[0].name for name in ("first", "second") * 20])
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == [["first", "second"] * 20] * 4
