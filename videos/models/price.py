"""Prices that staff changed."""

from decimal import Decimal

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

MAX_CREDITS = 1_000_000


class Price(models.Model):
    """A price that staff set, in the unit of the model's price rule; it overrides the catalog's.

    `resolution` is "" for all that have no row of their own. A silent price holds for videos from
    text and from an image.
    """

    class Kind(models.TextChoices):
        TEXT = "text", _("From text")
        IMAGE = "image", _("From an image")
        SILENT = "silent", _("Without sound")

    kind = models.CharField(_("kind"), max_length=8, choices=Kind)
    model = models.CharField(_("model"), max_length=64)
    resolution = models.CharField(_("resolution"), max_length=16, blank=True)
    credits = models.DecimalField(
        _("credits"),
        max_digits=9,
        decimal_places=2,
        validators=[MinValueValidator(Decimal("0.01")), MaxValueValidator(MAX_CREDITS)],
    )

    class Meta:
        verbose_name = _("price")
        verbose_name_plural = _("prices")
        constraints = [
            models.UniqueConstraint(fields=["kind", "model", "resolution"], name="price_once"),
            models.CheckConstraint(
                condition=Q(credits__gt=0, credits__lte=MAX_CREDITS), name="price_bounds"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.model} {self.resolution}: {self.credits}"
