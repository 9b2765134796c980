"""OpenAI's Videos API, at any base URL that implements it.

Accepts its variants: missing and extra keys, other status words, other error bodies.
The SDK's retries are off, because each would be another paid job.
"""

from collections.abc import Mapping

from videos.engines.openai.engine import OpenAIVideos

__all__ = ["OpenAIVideos", "connect"]


def connect(name: str, config: Mapping[str, str]) -> OpenAIVideos:
    return OpenAIVideos(name, config)
