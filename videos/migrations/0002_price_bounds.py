"""Bounds of the prices that staff set."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("videos", "0001_initial")]
    operations = [
        migrations.AlterField(
            "price",
            "credits",
            models.PositiveIntegerField(
                validators=[MinValueValidator(1), MaxValueValidator(1_000_000)]
            ),
        ),
        migrations.AddConstraint(
            "price",
            models.CheckConstraint(
                condition=Q(credits__gt=0, credits__lte=1_000_000), name="price_bounds"
            ),
        ),
    ]
