"""What is left in our accounts at engines that say so."""

from decimal import Decimal
from typing import Protocol, runtime_checkable

from django.conf import settings

from videos.engines import base


@runtime_checkable
class ReportsBalance(Protocol):
    """An engine that tells what is left in our account."""

    def balance(self) -> Decimal:
        """What is left, in the unit of the engine. Raises EngineError."""


def balance_of(name: str) -> Decimal | None:
    """Return what is left at an engine, asked over the network; None where it does not say.

    Raises EngineError when it does not answer.
    """
    if name not in settings.ENGINES:
        return None
    engine = base.get(name)
    return engine.balance() if isinstance(engine, ReportsBalance) else None
