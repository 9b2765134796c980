"""A chat model at a server that speaks OpenAI's chat completions: one task, one text as data."""

import json
from functools import cache
from typing import TYPE_CHECKING

from django.conf import settings

if TYPE_CHECKING:
    import openai

TIMEOUT_SECONDS = 30


class NoAnswer(Exception):
    """The model could not be reached, or answered without text; the text says why, for the log."""


def answer(task: str, data: dict[str, str]) -> str:
    """Return the model's answer to a task and its data, which go as messages of their own.

    Takes up to TIMEOUT_SECONDS. Raises NoAnswer.
    """
    import openai  # noqa: PLC0415 - half a second of CPU that most processes never need

    try:
        client = _client(settings.PROMPT_HELP_BASE_URL, settings.PROMPT_HELP_API_KEY or "none")
        found = client.chat.completions.create(
            model=settings.PROMPT_HELP_MODEL,
            messages=[
                {"role": "system", "content": task},
                {"role": "user", "content": json.dumps(data, ensure_ascii=False)},
            ],
        )
        text = found.choices[0].message.content
    except (openai.OpenAIError, ValueError, IndexError, TypeError, AttributeError) as error:
        raise NoAnswer(str(error)[:500]) from error
    if not text:
        raise NoAnswer("an answer without text")
    return str(text)


@cache
def _client(base_url: str, api_key: str) -> "openai.OpenAI":
    import openai  # noqa: PLC0415 - as above

    return openai.OpenAI(
        base_url=base_url,
        api_key=api_key,
        max_retries=0,
        timeout=openai.Timeout(TIMEOUT_SECONDS, connect=3),
    )
