"""The trace of a video's order; a column without default, so that SQLite keeps the table as it is."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("videos", "0036_reviews")]

    operations = [
        migrations.AddField("video", "traceparent", models.CharField(max_length=55, null=True))
    ]
