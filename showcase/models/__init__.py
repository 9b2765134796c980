"""The tables of the showcase, one model a file."""

from showcase.models.abuse_report import AbuseReport
from showcase.models.clip import Clip, ClipQuerySet
from showcase.models.clip_like import ClipLike
from showcase.models.clip_view import ClipView
from showcase.models.feedback import Feedback
from showcase.models.maker import Maker
from showcase.models.visitor_message import VisitorMessage

__all__ = [
    "AbuseReport",
    "Clip",
    "ClipLike",
    "ClipQuerySet",
    "ClipView",
    "Feedback",
    "Maker",
    "VisitorMessage",
]
