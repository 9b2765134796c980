"""The sentences of error codes."""

MESSAGES = {
    "moderation_blocked": "Your request was blocked by our moderation system.",
    "internal_error": "An internal error occurred while the video was generated.",
    "video_generation_failed": "The video could not be generated.",
}


def failure_message(code: str) -> str:
    return MESSAGES.get(code, f"The video could not be generated ({code}).")
