"""OAuth for agents: consent, codes, tokens, and what ends them."""

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from allauth.idp.oidc.models import Client as App
from allauth.idp.oidc.models import Token
from django.conf import LazySettings
from django.test import Client
from django.utils import timezone

from accounts.auth import callers, connections, oauth, passwords, tokens
from accounts.auth.errors import BadCredentials
from accounts.models import User
from accounts.people import deletion
from accounts.tasks import delete_expired_apps
from tests.accounts.oauth.flow import (
    REDIRECT,
    authorization_request,
    client_id,
    code_of,
    consent,
    exchange,
    register,
    renew,
    tokens_of,
)
from tests.concurrency import run_concurrently


@pytest.fixture(autouse=True)
def _address(settings: LazySettings) -> None:
    settings.BASE_URL = "http://testserver"


def caller_of(token: str) -> callers.Caller:
    return callers.caller_of({"Authorization": f"Bearer {token}"}, "127.0.0.1")


def is_accepted(token: str) -> bool:
    try:
        caller_of(token)
    except BadCredentials:
        return False
    return True


def test_discovery_names_every_step(anonymous: Any) -> None:
    for path in ("", "/mcp"):
        answer = anonymous.get(f"/.well-known/oauth-protected-resource{path}")
        found = answer.json()
        assert found["resource"] == "http://testserver/mcp"
        assert found["authorization_servers"] == ["http://testserver"]
        assert answer["Access-Control-Allow-Origin"] == "*"
    found = anonymous.get("/.well-known/oauth-authorization-server").json()
    assert found["issuer"] == "http://testserver"
    assert found["authorization_endpoint"] == "http://testserver/oauth/authorize"
    assert found["token_endpoint"] == "http://testserver/oauth/token"
    assert found["registration_endpoint"] == "http://testserver/oauth/register"
    assert found["code_challenge_methods_supported"] == ["S256"]
    assert found["scopes_supported"] == ["read", "generate"]


def test_app_gets_tokens_that_are_good_for_mcp_only(page: Client, alice: User) -> None:
    issued = tokens_of(page, client_id())
    assert (issued["token_type"], issued["expires_in"]) == ("Bearer", 3600)
    assert issued["scope"].split() == ["read", "generate"]
    caller = caller_of(issued["access_token"])
    assert (caller.user, sorted(caller.scopes)) == (alice, ["generate", "read"])
    assert (caller.api_key_id, caller.has_key_and_token) == (None, False)
    for path in ("/api/auth/me", "/api/videos", "/v1/videos"):
        bearer = f"Bearer {issued['access_token']}"
        assert Client().get(path, headers={"Authorization": bearer}).status_code == 401
    with pytest.raises(BadCredentials):
        caller_of(issued["refresh_token"])


def test_token_for_another_resource_is_refused(page: Client, settings: LazySettings) -> None:
    issued = tokens_of(page, client_id())
    settings.BASE_URL = "https://other.example"
    assert not is_accepted(issued["access_token"])


def test_user_grants_less_than_an_app_asks_for(page: Client) -> None:
    issued = tokens_of(page, client_id(), ("read",))
    assert issued["scope"] == "read"
    assert caller_of(issued["access_token"]).scopes == {"read"}


def test_app_that_names_no_resource_and_no_scope_gets_ours(page: Client) -> None:
    app = client_id()
    code = code_of(consent(page, app, ("read", "generate"), resource=""))
    assert is_accepted(exchange(app, code, resource="").json()["access_token"])


def test_page_says_who_asks_for_what_and_where_it_leads(page: Client, alice: User) -> None:
    app = client_id("Evil <b>Corp</b>", redirect_uris=["https://claude.ai/api/callback"])
    shown = page.get(
        "/oauth/authorize",
        authorization_request(app, redirect_uri="https://claude.ai/api/callback"),
    )
    text = shown.content.decode()
    assert "Evil &lt;b&gt;Corp&lt;/b&gt;" in text
    assert "claude.ai" in text
    assert alice.get_username() in text
    assert "Order videos with your credits, and cancel or delete videos" in text
    assert "form-action 'self'" in shown["Content-Security-Policy"]
    assert " https://claude.ai;" in shown["Content-Security-Policy"]
    assert shown["Cache-Control"] == "no-store"


def test_page_for_a_program_on_this_computer(page: Client) -> None:
    shown = page.get("/oauth/authorize", authorization_request(client_id()))
    assert "a program on this computer" in shown.content.decode()


def test_without_billing_the_page_says_nothing_of_credits(
    page: Client, settings: LazySettings
) -> None:
    settings.BILLING = False
    shown = page.get("/oauth/authorize", authorization_request(client_id())).content.decode()
    assert "Order, cancel and delete videos" in shown
    assert "credits" not in shown


def test_user_who_is_not_signed_in_signs_in_first(db: None) -> None:
    answer = Client().get("/oauth/authorize", authorization_request(client_id()))
    assert answer.status_code == 302
    assert answer["Location"].startswith("/accounts/login/?next=/oauth/authorize")


def test_user_who_refuses_sends_the_app_away(page: Client) -> None:
    app = client_id()
    shown = page.get("/oauth/authorize", authorization_request(app))
    signed = shown.context["form"].initial["request"]
    answer = page.post("/oauth/authorize", {"request": signed, "action": "cancel"})
    assert answer["Location"] == f"{REDIRECT}?error=access_denied&state=s-1"
    assert Token.objects.count() == 0


def test_forged_authorization_request_is_refused(page: Client) -> None:
    body = {"request": "forged", "scopes": ["read"], "action": "grant"}
    assert page.post("/oauth/authorize", body).status_code == 403


def test_form_of_another_page_is_refused(page: Client, alice: User) -> None:
    shown = page.get("/oauth/authorize", authorization_request(client_id()))
    signed = shown.context["form"].initial["request"]
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(alice)
    body = {"request": signed, "scopes": ["read"], "action": "grant"}
    assert strict.post("/oauth/authorize", body).status_code == 403


@pytest.mark.parametrize(
    "changes",
    [
        {"code_challenge": "", "code_challenge_method": ""},
        {"code_challenge_method": "plain"},
        {"code_challenge_method": ""},
        {"prompt": "none"},
        {"client_id": "unknown"},
        {"redirect_uri": "https://evil.example/callback"},
        {"resource": "https://evil.example/mcp"},
        {"resource": "nonsense"},
        {"resource": "http://["},
        {"client_id": "a\x00b"},
    ],
)
def test_unsafe_authorization_requests_get_a_page_and_lead_nowhere(
    page: Client, changes: dict[str, str]
) -> None:
    answer = page.get("/oauth/authorize", authorization_request(client_id(), **changes))
    assert answer.status_code == 400
    assert "This app cannot be connected" in answer.content.decode()


@pytest.mark.parametrize(
    "uri", ["https://claude.ai@evil.example/cb", "https://a;b@evil.example/cb"]
)
def test_page_does_not_show_another_host_than_the_one_that_gets_the_code(
    page: Client, uri: str
) -> None:
    app = client_id(redirect_uris=["https://evil.example/cb"])
    answer = page.get("/oauth/authorize", authorization_request(app, redirect_uri=uri))
    assert answer.status_code == 400
    assert "This app cannot be connected" in answer.content.decode()


@pytest.mark.parametrize(
    "changes", [{"scope": "billing"}, {"scope": "read account"}, {"response_type": "token"}]
)
def test_app_that_asks_for_too_much_is_sent_back(page: Client, changes: dict[str, str]) -> None:
    answer = page.get("/oauth/authorize", authorization_request(client_id(), **changes))
    assert answer.status_code == 302
    found = parse_qs(urlsplit(answer["Location"]).query or urlsplit(answer["Location"]).fragment)
    assert found["error"][0] in {"invalid_scope", "unauthorized_client"}


@pytest.mark.parametrize(
    "changes",
    [
        {"code_verifier": "w" * 64},
        {"code_verifier": ""},
        {"redirect_uri": "http://127.0.0.1:4567/other"},
        {"code": "unknown"},
        {"client_id": "unknown"},
        {"resource": "https://evil.example/mcp"},
        {"resource": "nonsense"},
        {"resource": "http://["},
        {"client_id": "a\x00b"},
        {"code": "a\x00b"},
        {"code_verifier": "\xe9" * 64},
        {"grant_type": "password"},
        {"grant_type": "client_credentials"},
        {"grant_type": ""},
    ],
)
def test_wrong_exchanges_are_refused(page: Client, changes: dict[str, str]) -> None:
    app = client_id()
    answer = exchange(app, **{"code": code_of(consent(page, app)), **changes})
    assert answer.status_code in {400, 401}
    assert answer.json()["error"]
    assert Token.objects.count() == 0


def test_code_works_once_and_for_its_app_only(page: Client) -> None:
    app, other = client_id(), client_id("Other")
    code = code_of(consent(page, app))
    assert exchange(other, code).status_code == 400
    assert exchange(app, code).status_code == 200
    assert exchange(app, code).status_code == 400


@pytest.mark.django_db(transaction=True)
def test_code_and_refresh_token_are_exchanged_once_when_sent_at_once(alice: User) -> None:
    page = Client()
    page.force_login(alice)
    app = client_id()
    code = code_of(consent(page, app))
    answers = run_concurrently([lambda: exchange(app, code)] * 4)
    assert sorted(answer.status_code for answer in answers) == [200, 400, 400, 400]
    issued = next(answer.json() for answer in answers if answer.status_code == 200)
    answers = run_concurrently([lambda: renew(app, issued["refresh_token"])] * 4)
    assert sorted(answer.status_code for answer in answers) == [200, 400, 400, 400]
    assert Token.objects.filter(type=Token.Type.REFRESH_TOKEN).count() == 1


def test_code_can_be_sent_again_after_a_mistake(page: Client) -> None:
    app = client_id()
    code = code_of(consent(page, app))
    assert exchange(app, code, code_verifier="w" * 64).status_code == 400
    assert exchange(app, code).status_code == 200


def test_refresh_gives_a_new_pair_and_the_old_refresh_token_ends(page: Client) -> None:
    app, other = client_id(), client_id("Other")
    first = tokens_of(page, app, ("read",))
    assert renew(other, first["refresh_token"]).status_code == 400
    second = renew(app, first["refresh_token"]).json()
    assert caller_of(second["access_token"]).scopes == {"read"}
    assert renew(app, first["refresh_token"]).status_code == 400
    assert renew(app, second["refresh_token"]).status_code == 200


def test_refresh_cannot_widen_what_was_granted(page: Client) -> None:
    app = client_id()
    first = tokens_of(page, app, ("read",))
    body = {"grant_type": "refresh_token", "client_id": app, "scope": "read generate"}
    answer = Client().post("/oauth/token", {**body, "refresh_token": first["refresh_token"]})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope")


def test_revoked_refresh_token_ends_the_access_too(page: Client) -> None:
    app = client_id()
    issued = tokens_of(page, app)
    for _ in range(2):
        answer = Client().post("/oauth/revoke", {"token": issued["refresh_token"]})
        assert answer.status_code == 200
    assert not is_accepted(issued["access_token"])
    assert renew(app, issued["refresh_token"]).status_code == 400


def test_revoked_access_token_can_be_renewed(page: Client) -> None:
    app = client_id()
    issued = tokens_of(page, app)
    Client().post("/oauth/revoke", {"token": issued["access_token"]})
    assert not is_accepted(issued["access_token"])
    assert renew(app, issued["refresh_token"]).status_code == 200


def test_expired_token_is_refused(page: Client) -> None:
    issued = tokens_of(page, client_id())
    Token.objects.update(expires_at=timezone.now())
    assert not is_accepted(issued["access_token"])


def _change_password(user: User) -> None:
    passwords.change_password(user, "a new long password")


def _disable(user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_active=False)


@pytest.mark.parametrize(
    "end",
    [_change_password, tokens.sign_out_everywhere, deletion.request_deletion, _disable],
    ids=["password", "sign-out", "deletion", "disabled"],
)
def test_access_ends_with_the_other_credentials(page: Client, alice: User, end: Any) -> None:
    app = client_id()
    issued = tokens_of(page, app)
    credential = caller_of(issued["access_token"]).credential
    assert credential.is_valid()
    end(alice)
    assert not credential.is_valid()
    assert not is_accepted(issued["access_token"])
    assert renew(app, issued["refresh_token"]).status_code in {400, 401}


def test_failed_exchanges_are_counted_by_address(settings: LazySettings, db: None) -> None:
    settings.RATE_ANONYMOUS = (2, 60)
    answers = [exchange("unknown", "x") for _ in range(3)]
    assert [answer.status_code for answer in answers][-1] == 429
    assert int(answers[-1]["Retry-After"]) > 0


# ---- registration ----


def test_registration_answers_what_counts(db: None) -> None:
    asked = {"token_endpoint_auth_method": "client_secret_post", "scope": "openid read"}
    answer = register("  Claude\n", **asked)
    assert answer.status_code == 201
    found = answer.json()
    assert (found["client_name"], found["scope"]) == ("Claude", "read")
    assert found["token_endpoint_auth_method"] == "none"
    assert "client_secret" not in found
    assert found["redirect_uris"] == [REDIRECT]


@pytest.mark.parametrize(
    "uri",
    [
        "https://claude.ai/api/mcp/auth_callback",
        "http://localhost:33418/callback",
        "http://[::1]:80/",
        "cursor://anysphere.cursor-mcp/oauth/callback",
        "com.example.app:/oauth",
    ],
)
def test_redirects_of_real_clients_are_accepted(db: None, uri: str) -> None:
    assert register(redirect_uris=[uri]).status_code == 201


@pytest.mark.parametrize(
    "uri",
    [
        "http://evil.example/callback",
        "https://*.example.com/",
        "https://user:pass@example.com/",
        "https://example.com/#x",
        "https://",
        "javascript:alert(1)",
        "data:text/html,x",
        "https://exa mple.com/",
        "https://example.com:x/",
        "//example.com",
        "x" * 501,
        "https://é.example/",
        7,
    ],
)
def test_other_redirects_are_refused(db: None, uri: Any) -> None:
    answer = register(redirect_uris=[uri])
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_redirect_uri")
    assert App.objects.count() == 0


@pytest.mark.parametrize(
    "metadata",
    [{"redirect_uris": []}, {"redirect_uris": "x"}, {"redirect_uris": [REDIRECT] * 11}],
)
def test_registration_needs_some_redirects(db: None, metadata: Any) -> None:
    assert register(**metadata).json()["error"] == "invalid_redirect_uri"


@pytest.mark.parametrize(
    "metadata",
    [{"client_name": 7}, {"scope": ["read"]}, {"grant_types": ["client_credentials"]}],
)
def test_other_bad_metadata_is_refused(db: None, metadata: Any) -> None:
    answer = register(**metadata)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client_metadata")


@pytest.mark.parametrize("body", ["", "{", "[]", "7", "[" * 5000])
def test_registration_without_an_object_is_refused(db: None, body: str) -> None:
    answer = Client().post("/oauth/register", body, content_type="application/json")
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client_metadata")


def test_registrations_are_counted_by_address(db: None, monkeypatch: Any) -> None:
    answers = [register().status_code for _ in range(61)]
    assert (set(answers[:60]), answers[60]) == ({201}, 429)


def test_apps_that_nobody_let_in_are_deleted_after_a_day(page: Client) -> None:
    used, unused, new = client_id("Used"), client_id("Unused"), client_id("New")
    tokens_of(page, used)
    day = timezone.now() - timedelta(days=1)
    App.objects.filter(pk__in=[used, unused]).update(created_at=day)
    delete_expired_apps()
    assert set(App.objects.values_list("pk", flat=True)) == {used, new}
    Token.objects.update(expires_at=timezone.now())
    delete_expired_apps()
    assert (Token.objects.count(), App.objects.count()) == (0, 1)


def test_unused_apps_are_bounded(db: None) -> None:
    rows = [App(pk=str(n), name="x", secret="!", data={"dcr": True}) for n in range(5000)]
    App.objects.bulk_create(rows)
    answer = register()
    assert (answer.status_code, answer.json()["error"]) == (503, "temporarily_unavailable")


# ---- connected apps ----


def test_page_lists_apps_and_disconnects_them(page: Client, alice: User) -> None:
    app = client_id("Claude")
    issued = tokens_of(page, app)
    shown = page.get("/developers/agents/")
    assert [(each.name, each.scopes) for each in shown.context["apps"]] == [
        ("Claude", ["Read", "Order videos"])
    ]
    answer = page.post("/developers/agents/disconnect/", {"app": app}, follow=True)
    assert "Claude is disconnected." in answer.content.decode()
    assert answer.context["apps"] == []
    assert not is_accepted(issued["access_token"])


def test_app_of_another_user_cannot_be_disconnected(page: Client, bob: User) -> None:
    app = client_id()
    issued = tokens_of(page, app)
    other = Client()
    other.force_login(bob)
    assert other.get("/developers/agents/").context["apps"] == []
    assert other.post("/developers/agents/disconnect/", {"app": app}).status_code == 404
    assert is_accepted(issued["access_token"])


def test_page_of_agents_needs_a_sign_in(db: None) -> None:
    for answer in (
        Client().get("/developers/agents/"),
        Client().post("/developers/agents/disconnect/", {"app": "x"}),
    ):
        assert answer["Location"].startswith("/accounts/login/")


def test_page_asks_the_database_no_more_often_for_more_apps(
    page: Client, django_assert_num_queries: Any
) -> None:
    def ask() -> int:
        from django.db import connection
        from django.test.utils import CaptureQueriesContext

        with CaptureQueriesContext(connection) as queries:
            page.get("/developers/agents/")
        return len(queries)

    tokens_of(page, client_id("One"))
    first = ask()
    tokens_of(page, client_id("Two"))
    tokens_of(page, client_id("Three"))
    assert ask() == first


def test_open_connections_are_checked_when_an_app_is_disconnected(
    page: Client, alice: User, django_capture_on_commit_callbacks: Any
) -> None:
    app = client_id()
    tokens_of(page, app)
    with django_capture_on_commit_callbacks() as calls:
        assert oauth.disconnect(alice, app)
    assert len(calls) == 1
    assert connections.group_of(alice.pk)
