"""Template tags about prices, for pages of apps that may not import videos."""

from django import template

from videos import catalog
from videos.models import Price

register = template.Library()


@register.simple_tag
def default_video_price() -> int:
    """Return the credits for a video with the default model and length."""
    return catalog.price(Price.Kind.TEXT, catalog.DEFAULT_MODEL.name, catalog.DEFAULT_SECONDS)


@register.filter
def videos(credits: int, price: int) -> int:
    """Return how many videos of this price the credits pay for."""
    return credits // price
