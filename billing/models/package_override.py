"""A package of credits that staff added, changed or withdrew from sale."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from billing.money import MINOR_UNITS

MAX_CREDITS = 10_000_000
# Source: Stripe, "Charge amounts": at most eight digits.
MAX_PRICE_MINOR = 99_999_999


class PackageOverride(models.Model):
    """A package that staff added, or their version of a documented package.

    Payments keep their own copy, so a change does not affect payments already begun.
    """

    key = models.SlugField(_("key"), primary_key=True, max_length=40)
    name = models.CharField(_("name"), max_length=80)
    credits = models.PositiveIntegerField(
        _("credits"), validators=[MinValueValidator(1), MaxValueValidator(MAX_CREDITS)]
    )
    price_minor = models.PositiveIntegerField(
        _("price"),
        validators=[MinValueValidator(1), MaxValueValidator(MAX_PRICE_MINOR)],
        help_text=_("In minor units, such as fen or cents."),
    )
    currency = models.CharField(_("currency"), max_length=3, default="CNY")
    is_active = models.BooleanField(_("on sale"), default=True)

    class Meta:
        verbose_name = _("package")
        verbose_name_plural = _("packages")
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    credits__gt=0,
                    credits__lte=MAX_CREDITS,
                    price_minor__gt=0,
                    price_minor__lte=MAX_PRICE_MINOR,
                ),
                name="package_bounds",
            ),
            models.CheckConstraint(
                condition=Q(currency__in=sorted(MINOR_UNITS)), name="package_currency_known"
            ),
        ]

    def __str__(self) -> str:
        return self.key
