"""What allauth's pages do beyond pages: whoever leaves or changes a password ends what is open."""

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest

from accounts import auth, standing
from accounts.models import User


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    def logout(self, request: HttpRequest) -> None:
        """Sign a page out, and end its socket."""
        user_id = request.user.pk
        super().logout(request)
        if user_id:
            standing.changed(user_id)

    def set_password(self, user: User, password: str) -> None:
        """A new password, by a reset or on the page: the tokens of the old one end."""
        super().set_password(user, password)
        auth.sign_out_everywhere(user)
