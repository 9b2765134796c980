"""Whether an order has been made already: the studio offers the finished video before it spends."""

from django.contrib.auth.base_user import AbstractBaseUser

from videos.catalog import offers
from videos.jobs.orders import VideoOrder
from videos.models import Video, VideoQuerySet

# Of orders that are alike but for their reference images, so many are compared.
MOST_COMPARED = 20


def find_finished(user: AbstractBaseUser, order: VideoOrder) -> Video | None:
    """Return the newest video of the user that was made of the same order and can be watched.

    The same are prompt, model, size, length, images and choices. An order without a seed takes
    any. Raises offers.NotOffered for what the catalog does not have.
    """
    rows = _alike(user, order).newest().select_related("first_image", "last_image")
    for video in rows[:MOST_COMPARED]:
        if video.reference_images == list(order.references) and not video.is_expired:
            return video
    return None


def _alike(user: AbstractBaseUser, order: VideoOrder) -> VideoQuerySet:
    """The finished videos of the user whose order differs in reference images at most."""
    word, size, seconds = offers.complete(order.model, order.size, order.seconds)
    rows = Video.objects.of(user).filter(
        status=Video.Status.SUCCEEDED,
        prompt=order.prompt,
        operation=order.images.mode,
        model=offers.find(word).id,
        size=size,
        seconds=seconds,
        first_image=order.first_image,
        last_image=order.last_image,
        negative_prompt=order.choices.negative_prompt,
    )
    if order.choices.seed is not None:
        rows = rows.filter(seed=order.choices.seed)
    # Sound that is left on and sound that is asked for are the same.
    if order.choices.audio is False:
        return rows.filter(audio=False)
    return rows.exclude(audio=False)
