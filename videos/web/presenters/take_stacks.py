"""Takes in a list: the picked one stands for those of its order that have ended."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from videos.web.presenters.video_card import VideoCard


def stack_takes(cards: Iterable[VideoCard]) -> list[VideoCard]:
    """Leave out the ended takes of which another was picked that is in this list as well.

    The picked one says how many they are. A take that still renders stays.
    """
    cards = list(cards)
    picked = {card.video.take_group for card in cards if card.video.picked_at}
    others = [card for card in cards if card.video.take_group in picked and _is_other(card)]
    left_out = Counter(card.video.take_group for card in others)
    return [
        replace(card, others=left_out[card.video.take_group]) if card.video.picked_at else card
        for card in cards
        if card not in others
    ]


def _is_other(card: VideoCard) -> bool:
    return not card.video.picked_at and not card.video.is_active
