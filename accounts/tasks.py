"""Background work on accounts."""

from celery import shared_task

from accounts.auth import oauth, session_retention
from accounts.people import invitations, restoration
from accounts.request_log import retention
from config.lib import rate_limits


@shared_task(ignore_result=True, expires=300)
def delete_expired_counters() -> None:
    """Delete rate limit counters whose window has ended."""
    rate_limits.delete_expired()


@shared_task(ignore_result=True, expires=3600)
def delete_old_requests() -> None:
    """Delete what the log of API calls no longer keeps, every hour."""
    retention.delete_old()


@shared_task(ignore_result=True, expires=3600)
def delete_old_invitations() -> None:
    """Delete invitations that expired long ago, every hour."""
    invitations.delete_old()


@shared_task(ignore_result=True, expires=60)
def send_deletion_emails() -> None:
    """Send e-mails to users who asked for deletion: the day of it, and the link that undoes it."""
    restoration.send_emails()


@shared_task(ignore_result=True, expires=3600)
def delete_expired_apps() -> None:
    """Delete expired tokens of apps, and apps that registered and were never let in."""
    oauth.delete_expired()


@shared_task(ignore_result=True, expires=3600)
def delete_old_sessions() -> None:
    """Delete what is left of ended sign-ins."""
    session_retention.delete_old()
