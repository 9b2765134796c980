"""Staff pages of videos; importing this package registers them."""

from videos.admin import (
    deliveries,
    endpoints,
    engines,
    media_jobs,
    paused_models,
    prices,
    rejected_prompts,
    videos,
)

__all__ = [
    "deliveries",
    "endpoints",
    "engines",
    "media_jobs",
    "paused_models",
    "prices",
    "rejected_prompts",
    "videos",
]
