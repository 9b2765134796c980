"""All tools, in the order in which agents see them, and how one is called."""

from collections.abc import Mapping
from typing import Any

from channels.db import database_sync_to_async
from django.conf import settings

from accounts.auth.callers import Caller
from videos.mcp import arguments, permissions, shapes
from videos.mcp.errors import Refused
from videos.mcp.tools import batches, catalog, edits, orders, videos
from videos.mcp.tools.base import Answer, Call, Report, Tool

ALL = (catalog.TOOLS, orders.TOOLS, batches.TOOLS, videos.TOOLS, edits.TOOLS)
TOOLS = {tool.name: tool for tools in ALL for tool in tools}


def offered() -> list[Tool]:
    """The tools there are; without billing none is about credits."""
    return [tool for tool in TOOLS.values() if settings.BILLING or not tool.is_about_credits]


async def call(
    name: str, given: Mapping[str, Any] | None, caller: Caller, report: Report
) -> Answer:
    """Call a tool. Raises Refused, or a domain error of what it calls."""
    tool = next((tool for tool in offered() if tool.name == name), None)
    if tool is None:
        names = ", ".join(tool.name for tool in offered())
        raise Refused(f"There is no tool {name[:80]!r}. The tools are: {names}.")
    answer, asked = await database_sync_to_async(_run)(tool, given, caller)
    answer = await tool.wait(asked, report) if tool.wait else answer
    return {name: shapes.without_nulls(part) for name, part in answer.items() if part is not None}


def _run(tool: Tool, given: Mapping[str, Any] | None, caller: Caller) -> tuple[Answer, Call]:
    permissions.check(caller, tool.scope, tool.limit)
    asked = Call(caller, arguments.parse(tool.arguments, given))
    return tool.run(asked), asked
