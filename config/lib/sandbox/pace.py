"""The pace of the sandboxes."""


def pace_factor(speed: float) -> float:
    """Return the factor every duration is multiplied with; SANDBOX_SPEED 0 makes all of them 0."""
    return 1 / speed if speed > 0 else 0.0
