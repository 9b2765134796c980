"""Template tags about prices, for pages of apps that may not import videos."""

from django import template

from videos.catalog import prices

register = template.Library()


@register.simple_tag
def default_video_price() -> int:
    """Return the credits for a video with the default model and length."""
    return prices.price_of_default()


@register.filter
def videos(credits: int, price: int) -> int:
    """Return how many videos of this price the credits pay for."""
    return credits // price
