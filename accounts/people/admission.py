"""Who may open an account here: the one decision for pages, the API, Google and OpenID Connect.

    SIGN_UP           open          everybody
                      invitation    who has an invitation that is unused
                      closed        nobody
    SIGN_UP_DOMAINS   only addresses at these domains, besides the above

Whoever runs the installation opens accounts regardless: import, commands and staff pages.
"""

from django.conf import settings
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.people import invitations


class NotAdmitted(Exception):
    """Nobody may open this account; nothing was changed."""


class SignUpClosed(NotAdmitted):
    """No account is opened here at present."""


class InvitationNeeded(NotAdmitted):
    """The invitation is missing, used, withdrawn or expired."""


class AddressNotAdmitted(NotAdmitted):
    """The e-mail address is not at one of the domains."""


def check(email: str, invitation: str) -> None:
    """Return when an account with this address and invitation may be opened. Raises NotAdmitted.

    The address is one that its owner has proved or will have to prove before the first sign-in; ""
    for none.
    """
    check_invitation(invitation)
    check_address(email)


def check_invitation(invitation: str) -> None:
    """Return when the form for a new account may be shown. Raises NotAdmitted."""
    if settings.SIGN_UP == "closed":
        raise SignUpClosed(_("Sign-up is closed. No new accounts are opened here at the moment."))
    if settings.SIGN_UP == "invitation" and not invitations.is_usable(invitation):
        raise InvitationNeeded(_invitation_needed(invitation))


def check_address(email: str) -> None:
    """Return when this address is at one of the domains, or any will do. Raises NotAdmitted."""
    domains = settings.SIGN_UP_DOMAINS
    if domains and email.rpartition("@")[2].lower() not in domains:
        raise AddressNotAdmitted(
            _("Only e-mail addresses at these domains can sign up: %(domains)s.")
            % {"domains": ", ".join(domains)}
        )


def admit(user: User | None, email: str, invitation: str) -> None:
    """Check as `check`, and use the invitation up in the caller's transaction. Raises NotAdmitted.

    `user` is the account that is opened, or none where the address has one already and nobody may
    learn that.
    """
    check(email, invitation)
    if settings.SIGN_UP == "invitation" and not invitations.use(invitation, user):
        raise InvitationNeeded(_invitation_needed(invitation))


def _invitation_needed(invitation: str) -> str:
    if invitation:
        return _("This invitation has been used or is no longer valid. Ask for a new one.")
    return _("You need an invitation to open an account here.")
