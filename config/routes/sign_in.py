"""The addresses of invitations and of the ways to sign in besides a password."""

from django.urls import path

from accounts.web import invitations, openid

PAGES = [
    path("join/<slug:invitation>/", invitations.join, name="join"),
    path("accounts/oidc/login/", openid.login, name="oidc_login"),
    path("accounts/oidc/login/callback/", openid.callback, name="oidc_callback"),
    path("settings/invitations/", invitations.invitations_page, name="invitations"),
    path(
        "settings/invitations/<uuid:invitation_id>/withdraw/",
        invitations.withdraw,
        name="invitation-withdraw",
    ),
]
