"""Staff pages of the showcase; importing this package registers them."""

from showcase.admin import abuse_reports, clips, feedback

__all__ = ["abuse_reports", "clips", "feedback"]
