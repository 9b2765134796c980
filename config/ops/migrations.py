"""Which model changes are worth a migration: those a database stores.

Verbose names, help texts and the choices of a field are read by people and forms only. Django's
own autodetector writes a migration for each of them, one for every reworded label.
"""

from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.questioner import MigrationQuestioner
from django.db.migrations.state import ProjectState

READ_BY_PEOPLE = ("verbose_name", "verbose_name_plural")


class Autodetector(MigrationAutodetector):
    """Django's autodetector without the attributes that no database stores."""

    def __init__(
        self,
        from_state: ProjectState,
        to_state: ProjectState,
        questioner: MigrationQuestioner | None = None,
    ) -> None:
        for state in (from_state, to_state):
            remove_labels(state)
        super().__init__(from_state, to_state, questioner)


def remove_labels(state: ProjectState) -> None:
    """Remove verbose names, help texts and choices from every model of a state, in place."""
    for model in state.models.values():
        for name in READ_BY_PEOPLE:
            model.options.pop(name, None)
        for field in model.fields.values():
            # What Field.deconstruct reads; the fields of a state are copies of the models' own.
            field._verbose_name = None
            field.help_text = ""
            field.choices = None
