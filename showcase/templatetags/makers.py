"""Template tags about makers and what videos are remixed from."""

from django import template

from showcase import gallery, makers
from showcase.forms import AbuseReportForm
from showcase.models import Clip, Maker
from videos.models import Video

register = template.Library()


@register.simple_tag
def maker_of(clip: Clip) -> Maker | None:
    """Return the maker who may be named beside a clip."""
    return makers.maker_of(clip)


@register.simple_tag(takes_context=True)
def report_form(context: template.Context) -> AbuseReportForm:
    """Return the form that reports the video of a page."""
    return AbuseReportForm(initial={"email": getattr(context.get("user"), "email", "")})


@register.simple_tag
def clip_remixed_by(video: Video) -> Clip | None:
    """Return the public clip that a video remixes; None, without a query, for other videos."""
    return gallery.clip_remixed_by(video)
