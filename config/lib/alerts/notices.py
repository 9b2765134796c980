"""The e-mails of an alert: to ALERT_EMAILS, or to every superuser who has an address."""

from django.conf import settings
from django.contrib.auth import get_user_model
from django.urls import reverse
from django.utils.translation import gettext as _

from config.lib import mail
from config.lib.alert_kinds import Advice
from config.lib.models import Alert

KIND = "alert"


def queue_emails(alert: Alert) -> None:
    """Queue the e-mails of a new alert, in the caller's transaction."""
    if settings.ALERT_EMAILS == ["off"]:
        return
    for address in settings.ALERT_EMAILS:
        mail.send_to(KIND, address, lambda: email_of(alert))
    if not settings.ALERT_EMAILS:
        for user in get_user_model().objects.filter(is_superuser=True, is_active=True):
            mail.send(KIND, user, lambda: email_of(alert))


def email_of(alert: Alert) -> mail.EmailContent:
    """Return the words of an alert, in the active language."""
    about = f" ({alert.subject})" if alert.subject else ""
    return mail.EmailContent(
        subject=f"{settings.SITE_NAME}: {alert.get_kind_display()}{about}",
        paragraphs=(alert.detail, str(Advice.TEXTS[alert.kind])),
        label=_("See all open alerts"),
        url=page_url(),
        footer=_("You get this e-mail once each time something like this begins."),
    )


def page_url() -> str:
    """Return the address of the list of open alerts."""
    return f"{settings.BASE_URL}{reverse('admin:lib_alert_changelist')}?show=open"
