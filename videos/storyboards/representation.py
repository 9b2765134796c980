"""A storyboard as JSON; times in unix seconds."""

from collections.abc import Sequence
from typing import Any

from videos import representations
from videos.editing import representation as edits
from videos.media import upload_urls
from videos.models import Storyboard, Video
from videos.storyboards.generation import Plan, PricedShot, total_of


def summary(board: Storyboard, shots: int) -> dict[str, Any]:
    """What a list of storyboards says of one with so many shots."""
    return {
        "id": str(board.pk),
        "title": board.title,
        "style": board.style,
        "model": board.model,
        "size": board.size,
        "shot_count": shots,
        "created_at": int(board.created_at.timestamp()),
        "updated_at": int(board.updated_at.timestamp()),
    }


def whole(board: Storyboard, plan: Plan) -> dict[str, Any]:
    """A storyboard with its shots, what "all" costs, and the edit that made its last film."""
    return {
        **summary(board, len(plan.shots)),
        "shots": [shot(one) for one in plan.shots],
        "credits": plan.total,
        "film": edits.edit(board.film) if board.film else None,
    }


def shot(priced: PricedShot) -> dict[str, Any]:
    """A shot with its takes, and the price of another one."""
    row, state = priced.shot, priced.state
    return {
        "id": str(row.pk),
        "position": row.position,
        "prompt": row.prompt,
        "seconds": row.seconds or None,
        "model": row.model,
        "continues": row.continues,
        "first_image_url": upload_urls.url_of(row.first_image) if row.first_image else None,
        "takes": [_take(video) for video in state.takes],
        "picked": representations.library_id(state.picked.pk) if state.picked else None,
        "credits": priced.credits,
        "waits_for": state.waits_for.position if state.waits_for else None,
        "obstacle": priced.obstacle or None,
    }


def _take(video: Video) -> dict[str, Any]:
    return {
        "video_id": representations.library_id(video.pk),
        "status": representations.LIBRARY_STATUS[Video.Status(video.status)],
        "progress": int(video.progress),
        "credits": video.credits,
        "created_at": int(video.created_at.timestamp()),
    }


def prices(
    chosen: Sequence[PricedShot], left_out: Sequence[PricedShot], available: int
) -> dict[str, Any]:
    """What it would cost to generate these shots, and which cannot be ordered yet."""
    total = total_of(chosen)
    return {
        "shots": [_line(one) | {"credits": one.credits} for one in chosen],
        "left_out": [_line(one) | {"reason": one.obstacle} for one in left_out],
        "credits": total,
        "available": available,
        "available_after": available - total,
    }


def _line(priced: PricedShot) -> dict[str, Any]:
    return {"id": str(priced.shot.pk), "position": priced.shot.position}
