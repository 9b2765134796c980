"""Prices that staff changed."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

MAX_CREDITS = 1_000_000


class Price(models.Model):
    """A price that staff set, in credits for up to 12 seconds; it overrides the catalog's."""

    class Kind(models.TextChoices):
        TEXT = "text", _("From text")
        IMAGE = "image", _("From an image")

    kind = models.CharField(_("kind"), max_length=8, choices=Kind)
    model = models.CharField(_("model"), max_length=64)
    credits = models.PositiveIntegerField(
        _("credits"), validators=[MinValueValidator(1), MaxValueValidator(MAX_CREDITS)]
    )

    class Meta:
        verbose_name = _("price")
        verbose_name_plural = _("prices")
        constraints = [
            models.UniqueConstraint(fields=["kind", "model"], name="price_once"),
            models.CheckConstraint(
                condition=Q(credits__gt=0, credits__lte=MAX_CREDITS), name="price_bounds"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.model}: {self.credits}"
