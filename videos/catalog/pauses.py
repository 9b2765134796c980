"""Models that staff paused: new orders of them are refused with a sentence of theirs."""

from videos.models import PausedModel


def sentences() -> dict[str, str]:
    """What users are shown of each paused model, by its id; one query."""
    return dict(PausedModel.objects.values_list("model", "sentence"))


def sentence_of(model: str) -> str:
    """What users are shown when this model is paused; "" when it is not."""
    return PausedModel.objects.filter(model=model).values_list("sentence", flat=True).first() or ""
