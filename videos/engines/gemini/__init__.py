"""Google's Gemini API: videos of Gemini Omni, made by background interactions.

One POST starts an interaction, polls read it, and the finished one holds the video itself or the
URI of a file that needs the key. There is no list of interactions. Videos always have sound, and
there is no field for a negative prompt: what the video must not show is added to the prompt as a
sentence.
Source: ai.google.dev/gemini-api/docs: omni, interactions, webhooks; the google-genai SDK.
"""

from collections.abc import Mapping

from videos.engines.gemini.engine import Gemini

__all__ = ["Gemini", "connect"]


def connect(name: str, config: Mapping[str, str]) -> Gemini:
    """Connect to the API at `base_url`, which contains the version, with `api_key`.

    Optional keys: `webhook_secret` of a webhook registered for the whole project; `jwks_url` of the
    public keys that sign callbacks to the URL of one order, and their `jwt_audience`;
    `result_hosts` where files may be besides the engine's own host. Raises ValueError for a
    webhook secret that is not one.
    """
    return Gemini(name, config)
