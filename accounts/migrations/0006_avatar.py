"""When a user uploaded an avatar; a nullable column, so that no table is rebuilt."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0005_request_log")]

    operations = [
        migrations.AddField(
            model_name="user",
            name="avatar_uploaded_at",
            field=models.DateTimeField(null=True),
        ),
    ]
