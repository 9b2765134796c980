"""Migrations contain what the database stores, and no texts; none is missing."""

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ModelState, ProjectState

from config.ops.migrations import Autodetector


def changed_apps(change: str, value: object) -> list[str]:
    """Return which apps get a migration when one attribute of User.region changes."""
    before, after = ProjectState.from_apps(apps), ProjectState.from_apps(apps)
    user: ModelState = after.models["accounts", "user"]
    setattr(user.fields["region"], change, value)
    user.options["verbose_name"] = "another name of the model"
    graph = MigrationLoader(connection, ignore_no_migrations=True).graph
    return list(Autodetector(before, after).changes(graph))


def test_no_migration_is_created_when_only_texts_change(db: None) -> None:
    assert changed_apps("_verbose_name", "another name") == []
    assert changed_apps("help_text", "another help text") == []
    assert changed_apps("choices", [("CN", "China")]) == []


def test_migration_is_created_when_a_length_changes(db: None) -> None:
    assert changed_apps("max_length", 9) == ["accounts"]


@pytest.mark.django_db
def test_no_migration_is_missing() -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)
