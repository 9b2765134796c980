"""Every tool of the MCP server: what it does, and what it refuses."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest
from channels.layers import InMemoryChannelLayer
from django.conf import LazySettings
from mcp import Client

from accounts.auth import api_keys
from accounts.auth.key_limits import KeyLimits
from accounts.models import User
from billing.ledger import credits
from tests.conftest import ServerThread
from tests.videos.conftest import completed, failed, order, reloaded, running
from tests.videos.editing.conftest import finished, make_edits
from tests.videos.mcp.clients import (
    ALL_SCOPES,
    ERAS,
    agent,
    answer_of,
    bearer,
    call,
    in_thread,
    key_of,
    refusal_of,
)
from videos.catalog import offers
from videos.models import Video

__all__ = ["make_edits"]

NOWHERE = "11111111-1111-1111-1111-111111111111"
NOT_FOUND = "There is no video with this id."
BY_ID: dict[str, dict[str, Any]] = {
    "get_video": {},
    "wait_for_video": {},
    "remix_video": {"prompt": "At night"},
    "edit_video": {"mute": True},
    "cancel_video": {},
    "delete_video": {},
}


@ERAS
def test_agent_makes_a_video_and_sees_its_progress(
    live: ServerThread, alice: User, work: Callable[..., None], era: str
) -> None:
    before = credits.available(alice)
    seen: list[float] = []

    async def report(progress: float, total: float | None, message: str | None) -> None:
        seen.append(progress)

    async def act(client: Client) -> Any:
        asked = {"prompt": "A paper boat", "seconds": "4", "size": "720x1280"}
        ordered = answer_of(await client.call_tool("create_video", asked))
        done = threading.Event()
        worker = asyncio.create_task(in_thread(lambda: work(done.is_set)))
        try:
            return ordered, await client.call_tool(
                "wait_for_video", {"video_id": ordered["id"]}, progress_callback=report
            )
        finally:
            done.set()
            await worker

    ordered, result = agent(live.url, bearer(key_of(alice)), act, era)

    assert (ordered["status"], ordered["credits"], "video_url" in ordered) == ("queued", 20, False)
    video = answer_of(result)
    assert (video["id"], video["status"], video["progress"]) == (ordered["id"], "completed", 100)
    assert (video["size"], video["seconds"], video["model"]) == ("720x1280", 4, "sora-2")
    assert before - credits.available(alice) == 20
    assert (seen[0], seen[-1], seen) == (0, 100, sorted(set(seen)))
    assert len(seen) > 2
    link = result.content[1]
    assert (link.type, link.uri, link.mime_type) == (
        "resource_link",
        video["video_url"],
        "video/mp4",
    )


def test_wait_answers_with_the_present_state_when_time_is_up(
    live: ServerThread, alice: User
) -> None:
    video = running(order(alice), progress=30)
    found = answer_of(
        call(live.url, alice, "wait_for_video", video_id=str(video.pk), timeout_seconds=1)
    )
    assert (found["status"], found["progress"]) == ("in_progress", 30)


def test_wait_ends_when_its_key_is_revoked(live: ServerThread, alice: User) -> None:
    video, key = order(alice), key_of(alice)

    async def act(client: Client) -> Any:
        waiting = asyncio.create_task(
            client.call_tool("wait_for_video", {"video_id": str(video.pk)})
        )
        await asyncio.sleep(0.5)
        await in_thread(lambda: api_keys.revoke(api_keys.find(key, "127.0.0.1")))
        await in_thread(lambda: running(video))  # a change, so that the wait looks at once
        return await waiting

    found = agent(live.url, bearer(key), act)
    assert refusal_of(found) == "Your credential has ended. The video goes on; sign in to see it."


def test_one_user_cannot_wait_without_bound(
    live: ServerThread, alice: User, settings: LazySettings
) -> None:
    settings.SOCKETS_PER_USER = 2
    video = order(alice)

    async def act(client: Client) -> list[Any]:
        asked = {"video_id": str(video.pk), "timeout_seconds": 2}
        calls = (client.call_tool("wait_for_video", asked) for _ in range(3))
        return await asyncio.gather(*calls)

    results = agent(live.url, bearer(key_of(alice)), act)
    assert sorted(result.is_error for result in results) == [False, False, True]


class _DeafLayer(InMemoryChannelLayer):
    async def group_add(self, group: str, channel: str) -> None:
        raise OSError("Redis does not answer")


def test_wait_that_could_not_begin_takes_no_place(
    live: ServerThread, alice: User, settings: LazySettings
) -> None:
    settings.SOCKETS_PER_USER = 1
    video, layers = order(alice), settings.CHANNEL_LAYERS
    asked = {"video_id": str(video.pk), "timeout_seconds": 0}
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": f"{__name__}._DeafLayer"}}
    said = refusal_of(call(live.url, alice, "wait_for_video", **asked))
    assert said.startswith("Something went wrong here.")
    settings.CHANNEL_LAYERS = layers
    assert answer_of(call(live.url, alice, "wait_for_video", **asked))["status"] == "queued"


def test_closing_the_request_ends_the_wait(live: ServerThread, alice: User) -> None:
    from videos.mcp.tools import waiting

    video = order(alice)

    async def act(client: Client) -> int:
        asked = client.call_tool("wait_for_video", {"video_id": str(video.pk)})
        task = asyncio.create_task(asked)
        while not waiting._open:
            await asyncio.sleep(0.02)
        task.cancel()
        for _ in range(200):
            if not waiting._open:
                return 0
            await asyncio.sleep(0.02)
        return len(waiting._open)

    assert agent(live.url, bearer(key_of(alice)), act) == 0


def test_models_and_prices_are_those_of_the_catalog(live: ServerThread, alice: User) -> None:
    found = answer_of(call(live.url, alice, "list_models"))["models"]
    assert [model["id"] for model in found] == [model.id for model in offers.offered()]
    first, model = found[0], offers.offered()[0]
    assert first["sizes"] == list(model.by_size)
    assert first["seconds"] == list(model.lengths)
    assert first["price"]["default"] == 20


def test_quote_is_the_price_that_is_charged(live: ServerThread, alice: User) -> None:
    before = credits.available(alice)
    quote = answer_of(call(live.url, alice, "quote", seconds=8, model="sora-2"))
    assert (quote["available"], quote["available_after"]) == (before, before - quote["credits"])
    asked = {"prompt": "A boat", "seconds": 8, "model": "sora-2", "quote": quote["quote"]}
    video = answer_of(call(live.url, alice, "create_video", **asked))
    assert video["credits"] == quote["credits"] == before - credits.available(alice)


def test_order_and_quote_beyond_the_limits_of_the_key_are_refused(
    live: ServerThread, alice: User
) -> None:
    limits = KeyLimits(credits_per_day=5)
    _key, text = api_keys.issue(alice, "agent", ALL_SCOPES, limits=limits)

    async def act(client: Client) -> list[str]:
        asked = {"prompt": "A boat"}
        refused = [await client.call_tool("create_video", asked), await client.call_tool("quote")]
        return [refusal_of(each)[:54] for each in refused]

    said = "This API key may spend 5 credits a day and has spent 0"
    before = credits.available(alice)
    assert agent(live.url, bearer(text), act) == [said, said]
    assert (Video.objects.count(), credits.available(alice)) == (0, before)


def test_get_credits(live: ServerThread, alice: User) -> None:
    found = answer_of(call(live.url, alice, "get_credits"))
    assert found["credits"] == credits.available(alice)


def test_repeated_order_with_the_same_key_is_made_once(live: ServerThread, alice: User) -> None:
    asked = {"prompt": "A boat", "idempotency_key": "boat-1"}
    first, again = (answer_of(call(live.url, alice, "create_video", **asked)) for _ in range(2))
    assert first["id"] == again["id"]
    other = call(live.url, alice, "create_video", **{**asked, "prompt": "A ship"})
    assert refusal_of(other) == "This Idempotency-Key was used for another request."
    assert Video.objects.count() == 1


def test_list_pages_filters_and_searches(live: ServerThread, alice: User, bob: User) -> None:
    ids = [str(order(alice, f"Boat {n}").pk) for n in range(3)]
    order(bob)
    page = answer_of(call(live.url, alice, "list_videos", limit=2))
    assert ([video["id"] for video in page["videos"]], page["next"]) == (ids[:0:-1], ids[1])
    rest = answer_of(call(live.url, alice, "list_videos", limit=2, after=page["next"]))
    assert ([video["id"] for video in rest["videos"]], rest.get("next")) == (ids[:1], None)
    failed(Video.objects.get(pk=ids[0]))
    only = answer_of(call(live.url, alice, "list_videos", status="failed"))["videos"]
    assert [(video["id"], video["error"]["code"]) for video in only] == [(ids[0], "internal_error")]
    found = answer_of(call(live.url, alice, "list_videos", search="boat 2"))["videos"]
    assert [video["id"] for video in found] == [ids[2]]


def test_remix_cancel_and_delete(live: ServerThread, alice: User, mp4: bytes) -> None:
    before = credits.available(alice)
    source = completed(order(alice), mp4)
    remix = answer_of(call(live.url, alice, "remix_video", video_id=str(source.pk), prompt="Night"))
    assert (remix["remix_of"], remix["status"]) == (str(source.pk), "queued")
    cancelled = answer_of(call(live.url, alice, "cancel_video", video_id=remix["id"]))
    assert (cancelled["status"], cancelled["error"]["code"]) == ("failed", "cancelled")
    assert before - credits.available(alice) == source.credits
    again = answer_of(call(live.url, alice, "cancel_video", video_id=remix["id"]))
    assert again["status"] == "failed"
    gone = answer_of(call(live.url, alice, "delete_video", video_id=str(source.pk)))
    assert gone == {"id": str(source.pk), "deleted": True}
    assert reloaded(source).deleted_at is not None
    twice = call(live.url, alice, "delete_video", video_id=str(source.pk))
    assert refusal_of(twice) == NOT_FOUND


def test_finished_video_cannot_be_cancelled(live: ServerThread, alice: User, mp4: bytes) -> None:
    video = completed(order(alice), mp4)
    refusal = refusal_of(call(live.url, alice, "cancel_video", video_id=str(video.pk)))
    assert refusal.endswith("Nothing was changed.")
    assert reloaded(video).status == Video.Status.SUCCEEDED


@pytest.mark.parametrize("tool", BY_ID)
def test_id_of_another_user_and_unknown_id_answer_alike(
    live: ServerThread, alice: User, bob: User, tool: str
) -> None:
    foreign = str(order(bob).pk)

    async def act(client: Client) -> list[str]:
        results = [
            await client.call_tool(tool, {"video_id": video_id, **BY_ID[tool]})
            for video_id in (foreign, NOWHERE, "nonsense")
        ]
        return [refusal_of(result) for result in results]

    assert agent(live.url, bearer(key_of(alice)), act) == [NOT_FOUND] * 3
    assert reloaded(Video.objects.get(pk=foreign)).status == Video.Status.QUEUED


@pytest.mark.parametrize(
    ("asked", "refusal"),
    [
        ({}, "prompt: Field required. Nothing was done."),
        ({"prompt": ""}, "prompt: String should have at least 1 character. Nothing was done."),
        ({"prompt": "a\0b"}, "NUL characters are not allowed. Nothing was done."),
        ({"prompt": "x", "seconds": 7}, "seconds: Sora 2 makes videos of"),
        ({"prompt": "x", "seconds": "long"}, "seconds: Input should be a valid integer"),
        ({"prompt": "x", "size": "1x1"}, "size: Sora 2 makes 1280x720, 720x1280."),
        ({"prompt": "x", "model": "no-such"}, "model: Unknown model."),
        ({"prompt": "x", "credits": 1}, "credits: Extra inputs are not permitted."),
        ({"prompt": "x", "max_credits": 1}, "The price is now 20 credits, not 1."),
        ({"prompt": "x", "quote": "forged"}, "This is not a quote of ours."),
        ({"prompt": "x", "first_image_url": "https://example.com/a.png"}, "Upload the file first"),
        ({"prompt": "x", "idempotency_key": "é"}, "Idempotency-Key must be"),
    ],
)
def test_bad_orders_are_refused_and_cost_nothing(
    live: ServerThread, alice: User, asked: dict[str, Any], refusal: str
) -> None:
    before = credits.available(alice)
    assert refusal_of(call(live.url, alice, "create_video", **asked)).startswith(refusal)
    assert (credits.available(alice), Video.objects.count()) == (before, 0)


def test_empty_values_that_models_send_count_as_left_out(live: ServerThread, alice: User) -> None:
    asked = {"prompt": "A boat", "model": None, "size": "", "seconds": None, "seed": None}
    assert answer_of(call(live.url, alice, "create_video", **asked))["model"] == "sora-2"


def test_too_few_credits_are_said_with_price_and_balance(live: ServerThread, alice: User) -> None:
    while credits.available(alice) >= 20:
        order(alice)
    left, made = credits.available(alice), Video.objects.count()
    assert refusal_of(call(live.url, alice, "create_video", prompt="x")) == (
        f"Insufficient credits. You need 20 credits but only have {left} available."
    )
    assert (credits.available(alice), Video.objects.count()) == (left, made)


def test_key_that_may_only_read_orders_changes_and_deletes_nothing(
    live: ServerThread, alice: User
) -> None:
    video = order(alice)
    writing = ("create_video", "remix_video", "cancel_video", "delete_video")

    async def act(client: Client) -> list[str]:
        answer_of(await client.call_tool("get_video", {"video_id": str(video.pk)}))
        results = [
            await client.call_tool(tool, {"video_id": str(video.pk), "prompt": "x"})
            for tool in writing
        ]
        return [refusal_of(result) for result in results]

    refusal = "This credential may not do that: it needs the scope generate and has read."
    found = agent(live.url, bearer(key_of(alice, "read")), act)
    assert found == [f"{refusal} Nothing was changed."] * 4
    assert (Video.objects.count(), reloaded(video).status) == (1, Video.Status.QUEUED)


def test_key_without_read_sees_nothing(live: ServerThread, alice: User) -> None:
    key = bearer(key_of(alice, "billing"))
    found = agent(live.url, key, lambda client: client.call_tool("list_videos", {}))
    assert "it needs the scope read" in refusal_of(found)


def test_orders_count_against_the_rate_of_the_api(
    live: ServerThread, alice: User, settings: LazySettings
) -> None:
    settings.RATE_GENERATE = (1, 60)
    answer_of(call(live.url, alice, "create_video", prompt="x"))
    refusal = refusal_of(call(live.url, alice, "create_video", prompt="x"))
    assert refusal.startswith("You did this too often. Nothing was changed or charged.")
    assert Video.objects.count() == 1


def test_orders_need_token_and_key_where_the_api_asks_for_both(
    live: ServerThread, alice: User, settings: LazySettings
) -> None:
    settings.REQUIRE_API_KEY = True
    refusal = refusal_of(call(live.url, alice, "create_video", prompt="x"))
    assert refusal.startswith("Orders need an access token in Authorization and an API key")
    assert Video.objects.count() == 0


def test_without_billing_no_word_about_credits(
    live: ServerThread, alice: User, settings: LazySettings
) -> None:
    settings.BILLING = False

    async def act(client: Client) -> Any:
        listed = await client.list_tools()
        made = await client.call_tool("create_video", {"prompt": "x"})
        priced = await client.call_tool("get_credits", {})
        prompt = await client.get_prompt("write_video_prompt", {"idea": "a cat"})
        return listed, made, priced, prompt

    listed, made, priced, prompt = agent(live.url, bearer(key_of(alice)), act)
    assert {tool.name for tool in listed.tools}.isdisjoint({"quote", "get_credits"})
    shown = listed.model_dump_json() + prompt.model_dump_json() + str(answer_of(made))
    assert "credit" not in shown.replace("credits_per", "").lower()
    assert refusal_of(priced).startswith("There is no tool 'get_credits'.")


def test_batch_is_priced_then_ordered_once_all_of_it_or_none(
    live: ServerThread, alice: User, settings: LazySettings
) -> None:
    good = {"prompt": "A boat", "seconds": "4"}
    bad = {"prompt": "A kite", "seconds": 5}
    priced = answer_of(call(live.url, alice, "create_videos", videos=[good, bad], dry_run=True))
    assert (priced["credits"], priced["videos"], len(priced["faults"])) == (20, [], 1)
    refusal = refusal_of(call(live.url, alice, "create_videos", videos=[good, bad]))
    assert refusal.startswith("Nothing was ordered. Video 2, seconds:")
    assert Video.objects.count() == 0
    asked = {"videos": [good, {**good, "prompt": "A fox"}], "idempotency_key": "k"}
    made = [answer_of(call(live.url, alice, "create_videos", **asked)) for _n in range(2)]
    assert [video["prompt"] for video in made[0]["videos"]] == ["A boat", "A fox"]
    assert made[0]["credits"] == 40
    first, again = ([video["id"] for video in each["videos"]] for each in made)
    assert again == first
    assert (Video.objects.count(), credits.available(alice)) == (2, 60)
    settings.RATE_BATCH = (1, 600)
    assert refusal_of(call(live.url, alice, "create_videos", videos=[good, good]))
    assert Video.objects.count() == 2


def test_annotations_say_what_tools_do(live: ServerThread, alice: User) -> None:
    listed = agent(live.url, bearer(key_of(alice)), lambda client: client.list_tools())
    hints = {
        tool.name: (
            tool.annotations.read_only_hint,
            tool.annotations.destructive_hint,
            tool.annotations.idempotent_hint,
        )
        for tool in listed.tools
        if tool.annotations
    }
    reading, ordering = (True, False, True), (False, False, False)
    assert hints == {
        **dict.fromkeys(["list_models", "get_credits", "quote", "get_video"], reading),
        **dict.fromkeys(["wait_for_video", "list_videos", "get_edit"], reading),
        **dict.fromkeys(["create_video", "create_videos", "remix_video", "edit_video"], ordering),
        "cancel_video": (False, True, True),
        "delete_video": (False, True, False),
    }
    for tool in listed.tools:
        assert (tool.input_schema["type"], bool(tool.output_schema)) == ("object", True)
        assert all(field.get("description") for field in tool.input_schema["properties"].values())


def test_enums_are_those_of_the_catalog(live: ServerThread, alice: User) -> None:
    listed = agent(live.url, bearer(key_of(alice)), lambda client: client.list_tools())
    schema = next(tool for tool in listed.tools if tool.name == "create_video").input_schema
    properties = schema["properties"]
    assert properties["model"]["enum"][: len(offers.offered())] == [m.id for m in offers.offered()]
    numbers, texts = (option["enum"] for option in properties["seconds"]["anyOf"])
    assert set(numbers) >= {4, 8, 12}
    assert texts == [str(length) for length in numbers]
    assert set(offers.offered()[0].by_size) <= set(properties["size"]["enum"])


def test_agent_edits_a_video_and_gets_the_new_one(
    live: ServerThread, alice: User, bob: User, make_edits: Callable[..., None]
) -> None:
    source = finished(alice)
    asked = {"video_id": str(source.pk), "start": 0.5, "aspect": "1:1", "loop": 2}
    edit = answer_of(call(live.url, alice, "edit_video", **asked))
    assert (edit["status"], edit["video_id"], "result_id" in edit) == (
        "queued", str(source.pk), False,
    )  # fmt: skip
    make_edits()
    done = answer_of(call(live.url, alice, "get_edit", edit_id=edit["edit_id"]))
    made = answer_of(call(live.url, alice, "get_video", video_id=done["result_id"]))
    assert (done["status"], made["size"], made["edit_of"]) == (
        "succeeded", "48x48", str(source.pk),
    )  # fmt: skip
    nothing = refusal_of(call(live.url, alice, "edit_video", video_id=str(source.pk)))
    assert "this edit would change nothing" in nothing
    stranger = refusal_of(call(live.url, bob, "get_edit", edit_id=edit["edit_id"]))
    assert stranger == "There is no edit with this id."
