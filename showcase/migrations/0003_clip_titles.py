"""Titles of clips in other languages; a nullable column, so that no table is rebuilt."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("showcase", "0002_makers_and_styles")]

    operations = [
        migrations.AddField(
            model_name="clip",
            name="titles",
            field=models.JSONField(blank=True, null=True),
        ),
    ]
