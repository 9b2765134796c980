"""An index of all entries by their time, for today's credits and the list of staff."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("billing", "0007_functions_of_the_ledger")]

    operations = [
        migrations.AddIndex(
            model_name="entry",
            index=models.Index(fields=["created_at"], name="entry_by_time"),
        ),
    ]
