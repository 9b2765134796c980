"""Feedback about the product."""

from django.utils.translation import gettext_lazy as _

from showcase.models.visitor_message import VisitorMessage


class Feedback(VisitorMessage):
    """A visitor's opinion about the product."""

    class Meta(VisitorMessage.Meta):
        verbose_name = _("feedback")
        verbose_name_plural = _("feedback")
