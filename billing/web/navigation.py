"""Where a user goes from the money pages: back to the studio, or to another front end."""

from django.conf import settings
from django.urls import reverse

from billing.models import Payment

# The value of the parameter `next` that leads back to the studio after paying.
STUDIO = "studio"


def next_page(requested: str) -> str:
    """Return the page to open after paying, or "" if the requested one is not allowed."""
    return requested if requested == STUDIO else ""


def packages_url(next_page: str) -> str:
    """Return the URL of the packages on sale, keeping the page to open after paying."""
    return f"{reverse('billing')}?next={next_page}#packages" if next_page else reverse("billing")


def returns_elsewhere(payment: Payment) -> bool:
    """Return whether the payer comes from a front end of another origin."""
    url = payment.return_url
    return bool(url) and not url.startswith(f"{settings.BASE_URL}/")
