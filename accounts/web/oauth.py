"""/oauth/authorize: the page that asks a user whether an app may act for them."""

from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from accounts.auth import oauth, oauth_clients
from accounts.auth.oauth_internals import OpenAuthorizationView


class ConsentView(OpenAuthorizationView):
    """allauth's page, for apps that prove with PKCE (S256) that the code is theirs.

    It always asks: `prompt=none` would let in any app once the user has let in one.
    """

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if problem := _problem(request.GET):
            return render(request, "idp/oidc/error.html", {"problem": problem}, status=400)
        response: HttpResponse = super().get(request, *args, **kwargs)
        if type(response) is HttpResponse and response.status_code == 200:
            response.status_code = 400  # allauth's page about an error
        return response

    @property
    def resource(self) -> str:
        return oauth.resource()

    def get_form(self, form_class: Any = None) -> Any:
        """List the scopes in our order, not in that of the alphabet."""
        form = super().get_form(form_class)
        scopes = form.fields["scopes"]
        scopes.choices = sorted(scopes.choices, key=lambda choice: oauth.SCOPES.index(choice[0]))
        return form

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        # A browser checks where the answer to the form leads too.
        self.request.posts_to = oauth_clients.source_of(self.redirect_uri)
        return {**context, "host": oauth_clients.host_of(self.redirect_uri)}

    def render_to_response(self, context: dict[str, Any], **kwargs: Any) -> TemplateResponse:
        response: TemplateResponse = super().render_to_response(context, **kwargs)
        response.headers["Cache-Control"] = "no-store"
        return response


def _problem(asked: QueryDict) -> str:
    """Say why an authorization request is refused that allauth would accept or fail at, or ""."""
    if "none" in asked.get("prompt", "").split():
        return _("It asked not to be shown to you.")
    if asked.get("code_challenge_method") != "S256":
        return _("It asked in a way that is not safe: it has to use PKCE with S256.")
    # allauth compares hosts: it would let a name and password stand before that of the app.
    redirect_uri = asked.get("redirect_uri", "")
    if redirect_uri and not oauth_clients.is_allowed(redirect_uri):
        return _("It did not say clearly where to send you back to.")
    if not (oauth_clients.is_readable(asked) and oauth_clients.names_our_resource(asked)):
        return _("It asked for another server, or with characters that OAuth does not allow.")
    return ""
