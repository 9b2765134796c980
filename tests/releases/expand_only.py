"""`python -m tests.releases.expand_only`: do new migrations let the previous release go on?

During an upgrade the previous release runs for a while on the new schema, and it comes back when
the upgrade is undone. So a migration may only add what the previous release need not know.
CONTRIBUTING.md has the rule, and what to do instead of each thing that is refused here.
"""

import os
import sys
from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias

import django
from django.apps import apps
from django.db import models
from django.db.migrations import Migration, operations
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ModelState, ProjectState
from django.db.models.fields import NOT_PROVIDED

from tests.releases import previous

# A migration says with this attribute why the previous release goes on, where that cannot be seen.
REASON = "previous_release_goes_on"
Key = tuple[str, str]
Field: TypeAlias = "models.Field[Any, Any]"
PACKAGES = {"accounts", "billing", "config", "showcase", "videos"}
# What takes nothing away: new tables, indexes, options, and constraints that end.
HARMLESS = (
    operations.CreateModel,
    operations.AddIndex,
    operations.RemoveIndex,
    operations.RenameIndex,
    operations.RemoveConstraint,
    operations.AlterModelOptions,
    operations.AlterModelManagers,
    operations.AlterModelTableComment,
)


def problems(loader: MigrationLoader, known: set[Key]) -> list[str]:
    """Return what the migrations that are not `known` would break, each with its place."""
    new = [key for key in _in_order(loader) if key not in known]
    added: set[Key] = set()
    found = []
    for app, name in new:
        migration = loader.graph.nodes[app, name]
        before = loader.project_state((app, name), at_end=False)
        words = list(_problems_of(migration, before, added))
        if not getattr(migration, REASON, ""):
            found += [f"{app}.{name}: {word}" for word in words]
    return found


def _in_order(loader: MigrationLoader) -> list[Key]:
    """Return the migrations of our apps, each after those that it depends on."""
    ours = {app.label for app in apps.get_app_configs() if app.name.split(".")[0] in PACKAGES}
    order: dict[Key, None] = {}
    for leaf in sorted(loader.graph.leaf_nodes()):
        order.update(dict.fromkeys(loader.graph.forwards_plan(leaf)))
    return [key for key in order if key[0] in ours]


def _problems_of(migration: Migration, state: ProjectState, added: set[Key]) -> Iterator[str]:
    """Yield the problems of one migration; note in `added` which models are new."""
    app = migration.app_label
    for operation, only in _flattened(migration.operations):
        if isinstance(operation, operations.CreateModel):
            added.add((app, operation.name_lower))
        model: str = getattr(operation, "model_name_lower", getattr(operation, "name_lower", ""))
        if (app, model) not in added:
            yield from _problems_with(operation, only, state.models.get((app, model)))
        if only != "database":
            operation.state_forwards(app, state)


def _flattened(found: Iterable[Operation]) -> Iterator[tuple[Operation, str]]:
    """Yield each operation, and whether it concerns the state or the database only."""
    for operation in found:
        if isinstance(operation, operations.SeparateDatabaseAndState):
            yield from ((inner, "database") for inner in operation.database_operations)
            yield from ((inner, "state") for inner in operation.state_operations)
        else:
            yield operation, ""


def _problems_with(operation: Operation, only: str, model: ModelState | None) -> Iterator[str]:
    said = operation.describe()
    if isinstance(operation, HARMLESS):
        return
    if isinstance(operation, operations.AddField):
        if only != "state" and not _may_be_left_out(operation.field):
            yield f"{said}: the previous release writes rows without it; null=True or db_default"
    elif isinstance(operation, operations.RemoveField) and only == "state":
        field = model.fields[operation.name] if model else None
        if field is not None and not _may_be_left_out(field):
            yield f"{said}: this release writes rows without it; null=True or db_default first"
    elif isinstance(operation, operations.AlterField):
        old = model.fields[operation.name] if model else None
        yield from (f"{said}: {word}" for word in _narrowed(old, operation.field))
    elif only != "state":
        yield f"{said}: the previous release needs what was there, or it cannot be seen"


def _may_be_left_out(field: Field) -> bool:
    """Whether a row can be written by code that does not know the field."""
    if field.many_to_many or field.null or isinstance(field, models.GeneratedField):
        return True
    return getattr(field, "db_default", NOT_PROVIDED) is not NOT_PROVIDED


def _narrowed(old: "Field | None", new: Field) -> Iterator[str]:
    """Yield what the previous release writes or reads that the changed field refuses."""
    if old is None:
        yield "the field was not there"
        return
    if old.get_internal_type() != new.get_internal_type():
        yield "another type"
    if old.null and not new.null:
        yield "the previous release writes NULL"
    if new.unique and not old.unique:
        yield "the previous release may write a value twice"
    if (new.max_length or sys.maxsize) < (old.max_length or sys.maxsize):
        yield "the previous release writes longer texts"


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    try:
        release = previous.find()
    except previous.PreviousReleaseMissing as error:
        print(f"!!! LEFT OUT: migrations were not compared with the previous release. {error}")
        return 0
    loader = MigrationLoader(None)
    known = previous.migrations(release)
    found = problems(loader, known)
    new = len([key for key in _in_order(loader) if key not in known])
    said = f"{new} new migrations since {release} let it go on."
    print("\n".join(found) or said)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
