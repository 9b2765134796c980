"""Models that staff paused: new orders of them are refused with a sentence of theirs."""

from django.db.models import CharField

from config.lib.prepared_queries import PreparedRows
from videos.models import PausedModel

SENTENCES_OF_MODEL = PreparedRows(
    lambda model: PausedModel.objects.filter(model=model).values_list("sentence"), CharField
)


def sentences() -> dict[str, str]:
    """What users are shown of each paused model, by its id; one query."""
    return dict(PausedModel.objects.values_list("model", "sentence"))


def sentence_of(model: str) -> str:
    """What users are shown when this model is paused; "" when it is not."""
    return next((sentence for (sentence,) in SENTENCES_OF_MODEL.all(model)), "")
