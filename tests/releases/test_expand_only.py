"""The check of new migrations refuses what would stop the previous release, and nothing else."""

from collections.abc import Callable
from functools import cache

import pytest
from django.db import migrations, models
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation

from tests.releases import expand_only

NEEDED = "the previous release needs what was there, or it cannot be seen"
UNKNOWN = "writes rows without it; null=True or db_default"
REFUSED: dict[str, tuple[Callable[[], Operation], str]] = {
    "a column that must be written": (
        lambda: migrations.AddField("video", "mood", models.TextField(default="")),
        f"Add field mood to video: the previous release {UNKNOWN}",
    ),
    "a removed column": (
        lambda: migrations.RemoveField("video", "title"),
        f"Remove field title from video: {NEEDED}",
    ),
    "a renamed column": (
        lambda: migrations.RenameField("video", "title", "heading"),
        f"Rename field title on video to heading: {NEEDED}",
    ),
    "a column that is no longer NULL": (
        lambda: migrations.AlterField("upload", "seconds", models.FloatField()),
        "Alter field seconds on upload: the previous release writes NULL",
    ),
    "another type": (
        lambda: migrations.AlterField("upload", "seconds", models.TextField(null=True)),
        "Alter field seconds on upload: another type",
    ),
    "a shorter text": (
        lambda: migrations.AlterField("video", "title", models.CharField(max_length=3, null=True)),
        "Alter field title on video: the previous release writes longer texts",
    ),
    "a removed table": (
        lambda: migrations.DeleteModel("Tag"),
        f"Delete model Tag: {NEEDED}",
    ),
    "a new condition": (
        lambda: migrations.AddConstraint(
            "video", models.CheckConstraint(condition=~models.Q(title=""), name="titled")
        ),
        f"Create constraint titled on model video: {NEEDED}",
    ),
    "what cannot be seen": (
        lambda: migrations.RunSQL("DROP TABLE videos_tag"),
        f"Raw SQL operation: {NEEDED}",
    ),
    "a column that this release forgets": (
        lambda: migrations.SeparateDatabaseAndState(
            state_operations=[migrations.RemoveField("video", "prompt")]
        ),
        f"Remove field prompt from video: this release {UNKNOWN} first",
    ),
}
ACCEPTED: dict[str, Callable[[], list[Operation]]] = {
    "columns that may be left out": lambda: [
        migrations.AddField("video", "mood", models.TextField(null=True)),
        migrations.AddField("video", "tone", models.TextField(default="", db_default="")),
    ],
    "a new table and its columns": lambda: [
        migrations.CreateModel("Mood", [("id", models.BigAutoField(primary_key=True))]),
        migrations.AddField("mood", "word", models.TextField(default="")),
        migrations.RemoveField("mood", "word"),
    ],
    "a wider column": lambda: [
        migrations.AlterField("video", "title", models.CharField(max_length=5000, null=True)),
    ],
    "an index": lambda: [
        migrations.AddIndex("video", models.Index(fields=["title"], name="video_by_title")),
    ],
    "a column that this release forgets and that may be left out": lambda: [
        migrations.SeparateDatabaseAndState(
            state_operations=[migrations.RemoveField("upload", "seconds")]
        ),
    ],
}


@cache
def known() -> set[expand_only.Key]:
    return set(MigrationLoader(None).graph.nodes)


def problems(operations: list[Operation], **attributes: str) -> list[str]:
    """Return what is wrong with one more migration of videos."""
    loader = MigrationLoader(None)
    [(app, last)] = loader.graph.leaf_nodes("videos")
    parts = {"dependencies": [(app, last)], "operations": operations, **attributes}
    migration = type("Migration", (migrations.Migration,), parts)("9999_next", app)
    loader.graph.add_node((app, "9999_next"), migration)
    loader.graph.add_dependency(migration, (app, "9999_next"), (app, last))
    return expand_only.problems(loader, known())


@pytest.mark.parametrize("what", REFUSED)
def test_migration_is_refused_when_the_previous_release_cannot_go_on(what: str) -> None:
    make, words = REFUSED[what]
    assert problems([make()]) == [f"videos.9999_next: {words}"]


@pytest.mark.parametrize("what", ACCEPTED)
def test_migration_is_accepted_when_the_previous_release_can_go_on(what: str) -> None:
    assert problems(ACCEPTED[what]()) == []


def test_migration_is_accepted_when_it_says_why() -> None:
    operation = migrations.RunSQL("ANALYZE")
    assert problems([operation], previous_release_goes_on="it only counts rows") == []
