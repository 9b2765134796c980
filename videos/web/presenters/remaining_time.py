"""How long a rendering video still takes, by its progress and by the usual time of its model."""

# From this progress on the rest is too short to tell.
FINISHING_PERCENT = 95
# The least that is counted with, and below what nobody is told a number.
FEW_SECONDS, TOO_FEW = 5, 7.5


def seconds_left(elapsed: float, percent: float, typical: float) -> float | None:
    """Return the seconds that are left; None when it is finishing.

    The further the video is, the more the progress of its `elapsed` seconds counts, and the less
    the usual time of its model. `percent` is 0 where the engine tells no progress.
    """
    if percent >= FINISHING_PERCENT:
        return None
    share = percent / 100
    by_progress = elapsed * (1 - share) / share if share else 0
    by_usual = max(typical - elapsed, 0)
    return max(share * by_progress + (1 - share) * by_usual, FEW_SECONDS)


def is_slow(elapsed: float, typical: float) -> bool:
    """Whether a video renders for much longer than others of its model."""
    return elapsed > max(1.5 * typical, typical + 10)
