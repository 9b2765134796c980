"""A package of credits that staff added, changed or withdrew from sale."""

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class PackageOverride(models.Model):
    """A package that staff added, or their version of a documented package.

    Payments keep their own copy, so a change does not affect payments already begun.
    """

    key = models.SlugField(_("key"), primary_key=True, max_length=40)
    name = models.CharField(_("name"), max_length=80)
    credits = models.PositiveIntegerField(_("credits"), validators=[MinValueValidator(1)])
    price_minor = models.PositiveIntegerField(
        _("price"),
        validators=[MinValueValidator(1)],
        help_text=_("In minor units, such as fen or cents."),
    )
    currency = models.CharField(_("currency"), max_length=3, default="CNY")
    is_active = models.BooleanField(_("on sale"), default=True)

    class Meta:
        verbose_name = _("package")
        verbose_name_plural = _("packages")
        constraints = [
            models.CheckConstraint(
                condition=Q(credits__gt=0, price_minor__gt=0), name="package_positive"
            )
        ]

    def __str__(self) -> str:
        return self.key
