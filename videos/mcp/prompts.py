"""The prompt that teaches how to write prompts for videos."""

from django.conf import settings

from videos.catalog.offers import PROMPT_MAX

NAME, TITLE = "write_video_prompt", "Write a good video prompt"
DESCRIPTION = "Turn an idea into a prompt that a video model follows, and order the video."
IDEA = "idea"
MAX_IDEA = 2000

ADVICE = """\
Write one prompt for a video model from the idea below, then order it with create_video.

What makes a prompt work:
- One shot: one place, one moment. A few seconds show one action, not a story.
- Begin with the subject and what it does, in the present tense: who or what, doing what, how fast.
- Then the place and the time of day, and where the light comes from.
- Then the camera: the framing (wide, close-up) and one move (slow dolly in, static, pan left).
- Then the look in a few words: film stock, animation style, colours.
- Say what is heard, if list_models says that the model makes sound; quote spoken words.
- Describe what is there, not what is missing. Name no real people and no protected characters.
- Two to five sentences, at most {most} characters.

How to proceed:
1. Call list_models, and choose a model, a size (upright for phones) and a length that fit the idea.
2. {price}
3. Show the user the prompt you wrote, and call create_video with an idempotency_key.
4. Call wait_for_video until the status is completed or failed, and give the user the video_url.
5. To change something, call remix_video with a prompt that says the whole shot anew.

The idea: {idea}
"""
ASK = "Call quote, and tell the user the price before you order."
FREE = "Ordering is free of charge here."


def text(idea: str) -> str:
    """The advice, with the user's idea at its end."""
    shown = idea.strip()[:MAX_IDEA] or "ask the user for one."
    return ADVICE.format(most=PROMPT_MAX, price=ASK if settings.BILLING else FREE, idea=shown)
