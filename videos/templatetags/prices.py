"""Credits in videos, for pages of apps that know no videos."""

from django import template

from videos import catalog
from videos.models import Price

register = template.Library()


@register.simple_tag
def usual_price() -> int:
    """What a video costs when nothing special is chosen."""
    return catalog.price(Price.Kind.TEXT, catalog.DEFAULT_MODEL.name, catalog.DEFAULT_SECONDS)


@register.filter
def videos(credits: int, price: int) -> int:
    """How many videos of this price the credits pay for."""
    return credits // price
