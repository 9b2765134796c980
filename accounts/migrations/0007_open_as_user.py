"""The permission of staff to see pages as a user sees them."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0006_avatar"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="user",
            options={"permissions": [("open_as_user", "Can see pages as a user sees them")]},
        ),
    ]
