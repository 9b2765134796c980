from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("videos", "0010_rescued_results"),
    ]

    operations = [
        migrations.RenameField(
            model_name="video",
            old_name="reference",
            new_name="first_image",
        ),
        migrations.AlterField(
            model_name="video",
            name="first_image",
            field=models.ForeignKey(
                null=True,
                on_delete=models.PROTECT,
                related_name="+",
                to="videos.upload",
            ),
        ),
        migrations.AddField(
            model_name="video",
            name="last_image",
            field=models.ForeignKey(
                null=True,
                on_delete=models.PROTECT,
                related_name="+",
                to="videos.upload",
            ),
        ),
        migrations.AlterField(
            model_name="video",
            name="operation",
            field=models.CharField(max_length=16),
        ),
        migrations.CreateModel(
            name="VideoReference",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False)),
                ("position", models.PositiveSmallIntegerField()),
                (
                    "upload",
                    models.ForeignKey(
                        on_delete=models.PROTECT, related_name="+", to="videos.upload"
                    ),
                ),
                (
                    "video",
                    models.ForeignKey(
                        on_delete=models.CASCADE, related_name="references", to="videos.video"
                    ),
                ),
            ],
            options={
                "ordering": ["position"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("video", "position"), name="video_reference_position"
                    )
                ],
            },
        ),
    ]
