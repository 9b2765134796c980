"""Resources and the prompt of the MCP server."""

import base64
import json
from typing import Any

import pytest
from django.core.files.storage import default_storage
from mcp import Client, MCPError

from accounts.models import User
from tests.conftest import ServerThread
from tests.videos.conftest import completed, order
from tests.videos.mcp.clients import agent, bearer, key_of
from videos.catalog import offers
from videos.catalog.offers import PROMPT_MAX


def read(live: ServerThread, user: User, uri: str, *scopes: str) -> Any:
    key = bearer(key_of(user, *scopes))
    return agent(live.url, key, lambda client: client.read_resource(uri)).contents


def test_prices_are_a_resource(live: ServerThread, alice: User) -> None:
    (found,) = read(live, alice, "firstlight://prices")
    body = json.loads(found.text)
    assert body["currency"] == "credits"
    assert [model["id"] for model in body["models"]] == [model.id for model in offers.offered()]


def test_video_is_a_resource_with_its_poster(live: ServerThread, alice: User, mp4: bytes) -> None:
    video = completed(order(alice), mp4)
    facts, poster = read(live, alice, f"firstlight://videos/{video.pk}")
    shown = json.loads(facts.text)
    assert (shown["id"], shown["status"]) == (str(video.pk), "completed")
    assert f"/api/videos/{video.pk}/content?variant=video" in shown["video_url"]
    assert (poster.mime_type, base64.b64decode(poster.blob)) == ("image/webp", b"webp")


def test_video_without_its_poster_is_still_shown(
    live: ServerThread, alice: User, mp4: bytes
) -> None:
    video = completed(order(alice), mp4)
    default_storage.delete(str(video.thumbnail.name))
    assert len(read(live, alice, f"firstlight://videos/{video.pk}")) == 1


def test_resources_name_the_latest_videos(live: ServerThread, alice: User, bob: User) -> None:
    mine = order(alice)
    order(bob)

    async def act(client: Client) -> Any:
        return await client.list_resources(), await client.list_resource_templates()

    listed, templates = agent(live.url, bearer(key_of(alice)), act)
    uris = [resource.uri for resource in listed.resources]
    assert uris == ["firstlight://prices", f"firstlight://videos/{mine.pk}"]
    assert [each.uri_template for each in templates.resource_templates] == [
        "firstlight://videos/{video_id}"
    ]


@pytest.mark.parametrize("uri", ["firstlight://videos/{foreign}", "firstlight://videos/x"])
def test_video_of_another_user_is_not_found(
    live: ServerThread, alice: User, bob: User, uri: str
) -> None:
    with pytest.raises(MCPError, match="There is no video with this id"):
        read(live, alice, uri.format(foreign=order(bob).pk))


def test_unknown_resource_is_refused_with_those_there_are(live: ServerThread, alice: User) -> None:
    with pytest.raises(MCPError, match="There is no such resource"):
        read(live, alice, "file:///etc/passwd")


def test_resources_need_the_scope_read(live: ServerThread, alice: User) -> None:
    with pytest.raises(MCPError, match="it needs the scope read and has generate"):
        read(live, alice, "firstlight://prices", "generate")


def test_prompt_teaches_and_carries_the_idea(live: ServerThread, alice: User) -> None:
    async def act(client: Client) -> Any:
        listed = await client.list_prompts()
        return listed, await client.get_prompt("write_video_prompt", {"idea": "a cat on a roof"})

    listed, found = agent(live.url, bearer(key_of(alice)), act)
    assert [prompt.name for prompt in listed.prompts] == ["write_video_prompt"]
    text = found.messages[0].content.text
    assert text.endswith("The idea: a cat on a roof\n")
    assert str(PROMPT_MAX) in text


def test_unknown_prompt_is_refused(live: ServerThread, alice: User) -> None:
    with pytest.raises(MCPError, match="The only prompt is write_video_prompt"):
        agent(live.url, bearer(key_of(alice)), lambda client: client.get_prompt("other", {}))
