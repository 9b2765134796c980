"""Packages of credits: the documented ones, unless staff changed or withdrew them, and staff's."""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from billing import money
from billing.models import PackageOverride

CURRENCY = "CNY"
# The key of the package that pages show as the best value.
FEATURED = "value"


class UnknownPackage(Exception):
    """No package with this key is on sale."""


@dataclass(frozen=True)
class Package:
    """A number of credits at a price, which is in minor units of the currency."""

    key: str
    name: str
    credits: int
    price_minor: int
    currency: str = CURRENCY

    @property
    def title(self) -> str:
        """The name, translated if the package is a documented one."""
        return _(self.name)

    @property
    def price(self) -> Decimal:
        return money.to_major(self.price_minor, self.currency)

    @property
    def unit_price(self) -> Decimal:
        """The price of one credit in whole units, with four decimals. Source: C24."""
        return (self.price / self.credits).quantize(Decimal("0.0001"), ROUND_HALF_UP)

    @property
    def saving_percent(self) -> int:
        """By how many per cent a credit is cheaper than in the documented package that costs most.

        0 if the price is in another currency.
        """
        dearest = max(package.unit_price for package in DOCUMENTED)
        return round((1 - self.unit_price / dearest) * 100) if self.currency == CURRENCY else 0


# Source: C24.
DOCUMENTED = (
    Package("trial", gettext_noop("Trial Pack"), 100, 990),
    Package("standard", gettext_noop("Standard Pack"), 500, 4900),
    Package("value", gettext_noop("Value Pack"), 1200, 9900),
    Package("premium", gettext_noop("Premium Pack"), 3000, 19900),
)


def on_sale() -> dict[str, Package]:
    """Return the packages that can be bought now by their keys, cheapest first."""
    found = {package.key: package for package in DOCUMENTED}
    for row in PackageOverride.objects.all():
        found.pop(row.key, None)
        if row.is_active:
            found[row.key] = Package(row.key, row.name, row.credits, row.price_minor, row.currency)
    return dict(sorted(found.items(), key=lambda item: item[1].price_minor))


def get(key: str) -> Package:
    """Return the package on sale with this key. Raises UnknownPackage."""
    try:
        return on_sale()[key]
    except KeyError as error:
        raise UnknownPackage(_("Invalid package: %(key)s") % {"key": key[:40]}) from error
