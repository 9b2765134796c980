"""The search keys of prompts, and plain line breaks in the prompts of before."""

from typing import Any

from django.db import migrations, models

from config.lib import texts

BATCH = 1000


def fill_search_texts(apps: Any, schema_editor: Any) -> None:
    for name in ("Video", "RejectedPrompt"):
        rows = apps.get_model("videos", name).objects.using(schema_editor.connection.alias)
        batch = []
        for row in rows.exclude(prompt="").only("pk", "prompt").iterator(BATCH):
            row.prompt = texts.use_plain_line_breaks(row.prompt)
            row.search_text = texts.search_key(row.prompt)
            batch.append(row)
            if len(batch) == BATCH:
                rows.bulk_update(batch, ["prompt", "search_text"])
                batch = []
        rows.bulk_update(batch, ["prompt", "search_text"])


class Migration(migrations.Migration):
    dependencies = [("videos", "0012_preset_options")]

    operations = [
        migrations.AddField("video", "search_text", models.TextField(default="", editable=False)),
        migrations.AddField(
            "rejectedprompt", "search_text", models.TextField(default="", editable=False)
        ),
        migrations.RunPython(fill_search_texts, migrations.RunPython.noop, elidable=True),
    ]
