"""What files say of their origin, and by what they are recognised."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0006_avatar"),
        ("videos", "0031_media_jobs"),
    ]

    operations = [
        migrations.CreateModel(
            name="PromptDisclosure",
            fields=[
                (
                    "user",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="prompt_disclosure",
                        serialize=False,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("since", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="ContentCredential",
            fields=[
                (
                    "video",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="credential",
                        serialize=False,
                        to="videos.video",
                    ),
                ),
                ("sha256", models.CharField(max_length=64)),
                ("manifest", models.CharField(blank=True, max_length=64)),
                ("signer", models.CharField(blank=True, max_length=200)),
                ("error", models.CharField(blank=True, max_length=500)),
                ("made_at", models.DateTimeField()),
            ],
            options={
                "indexes": [
                    models.Index(fields=["sha256"], name="credential_sha256"),
                    models.Index(
                        condition=models.Q(("error", ""), _negated=True),
                        fields=["made_at"],
                        name="credential_failed",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="FrameHash",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False)),
                ("place", models.PositiveSmallIntegerField()),
                ("bits", models.BigIntegerField()),
                ("band_1", models.IntegerField()),
                ("band_2", models.IntegerField()),
                ("band_3", models.IntegerField()),
                ("band_4", models.IntegerField()),
                (
                    "video",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="frame_hashes",
                        to="videos.video",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["band_1"], name="frame_band_1"),
                    models.Index(fields=["band_2"], name="frame_band_2"),
                    models.Index(fields=["band_3"], name="frame_band_3"),
                    models.Index(fields=["band_4"], name="frame_band_4"),
                ],
            },
        ),
    ]
