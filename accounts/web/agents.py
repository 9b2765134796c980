"""/developers/agents/: how to connect an agent, and the apps that are connected."""

import json
from dataclasses import dataclass

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from accounts.auth import oauth
from config.lib.web.responses import user_of

KEY = "fl_…"


@dataclass(frozen=True)
class Sample:
    """The lines that connect one client, and what to do with them."""

    id: str
    name: str
    hint: Promise
    code: str


@login_required
@require_safe
def agents_page(request: HttpRequest) -> HttpResponse:
    context = {
        "at": "developers",
        "tab": "agents",
        "address": oauth.resource(),
        "samples": samples(oauth.resource()),
        "apps": oauth.list_apps(user_of(request)),
    }
    response = render(request, "developers/agents.html", context)
    response["Cache-Control"] = "no-store"
    return response


@login_required
@require_POST
def disconnect(request: HttpRequest) -> HttpResponse:
    """End what an app may do at once."""
    user, wanted = user_of(request), request.POST.get("app", "")
    app = next((app for app in oauth.list_apps(user) if app.id == wanted), None)
    if app is None:
        raise Http404
    oauth.disconnect(user, app.id)
    messages.success(request, _("%(name)s is disconnected.") % {"name": app.name})
    return redirect("agents")


def samples(address: str) -> list[Sample]:
    """Return the lines for each client that was really run, or documents them."""
    name = "firstlight"
    remote = {"command": "npx", "args": ["-y", "mcp-remote", address]}
    return [
        Sample(
            "claude-code",
            "Claude Code",
            gettext_lazy("In a terminal; then type /mcp in Claude Code and sign in."),
            f"claude mcp add --transport http {name} {address}",
        ),
        Sample(
            "claude-desktop",
            "Claude Desktop",
            gettext_lazy(
                "Settings, Connectors, Add custom connector: paste the address above. Or, without"
                " connectors, in claude_desktop_config.json:"
            ),
            _json({"mcpServers": {name: remote}}),
        ),
        Sample(
            "cursor",
            "Cursor",
            gettext_lazy("In ~/.cursor/mcp.json; then press Connect in the settings of Cursor."),
            _json({"mcpServers": {name: {"url": address}}}),
        ),
        Sample(
            "vs-code",
            "VS Code",
            gettext_lazy("In .vscode/mcp.json of the workspace."),
            _json({"servers": {name: {"type": "http", "url": address}}}),
        ),
        Sample(
            "agents-sdk",
            "OpenAI Agents SDK",
            gettext_lazy("In Python, with an API key."),
            _agents_sdk(address),
        ),
    ]


def _json(body: object) -> str:
    return json.dumps(body, indent=2)


def _agents_sdk(address: str) -> str:
    return f"""\
from agents import Agent, Runner
from agents.mcp import MCPServerStreamableHttp

async with MCPServerStreamableHttp(
    name="{settings.SITE_NAME}",
    params={{"url": "{address}", "headers": {{"Authorization": "Bearer {KEY}"}}}},
    client_session_timeout_seconds=60,
) as server:
    agent = Agent(name="Filmmaker", mcp_servers=[server])
    print((await Runner.run(agent, "Make a video of a paper boat")).final_output)"""
