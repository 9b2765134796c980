"""What videos would cost if they were ordered again, computed once for all that are alike."""

from videos.catalog import offers, prices
from videos.catalog.reading import catalog
from videos.models import Video

# What decides the price of an order: its kind, model, size, length, engine and choices.
Key = tuple[str, str, str, int, str, frozenset[str], bool | None]


class RepeatPrices:
    """The prices of new orders that are like videos of one page."""

    def __init__(self, price_list: prices.PriceList) -> None:
        self._price_list = price_list
        self._found: dict[Key, int | None] = {}

    def of(self, video: Video, operation: Video.Operation) -> int | None:
        """Credits to order a video again, or as a remix; None when it is not offered."""
        if video.operation == Video.Operation.EDIT:  # no engine has made it
            return None
        word = offers.word_again(video.model, video.requested_model)
        # The engine that made the source must make the remix.
        at = video.engine if operation == Video.Operation.REMIX else ""
        return self._price(video, operation, word, offers.choices_of(video), at)

    def extending(self, video: Video) -> int | None:
        """Credits for a video that begins with the last frame; None when it is not offered."""
        # A new order in the studio, without the alias and the choices of this one.
        return self._price(video, Video.Operation.IMAGE, video.model, offers.NOTHING, "")

    def _price(
        self,
        video: Video,
        operation: Video.Operation,
        word: str,
        choices: offers.Choices,
        at: str,
    ) -> int | None:
        size, seconds = video.size, video.seconds
        key = (operation, word, size, seconds, at, frozenset(choices.names), choices.audio)
        if key not in self._found:
            self._found[key] = self._compute(operation, word, size, seconds, at, choices)
        return self._found[key]

    def _compute(
        self,
        operation: Video.Operation,
        word: str,
        size: str,
        seconds: int,
        at: str,
        choices: offers.Choices,
    ) -> int | None:
        model = catalog().find(word)
        if model is None or offers.is_over(model):
            return None
        if not offers.engines_for(model.id, operation, size, seconds, at, choices):
            return None
        kind = prices.kind_of(operation)
        return self._price_list.credits(kind, word, size, seconds, choices.audio)
