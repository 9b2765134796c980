"""What staff are warned of: prices below cost, models that end, exchange rates."""

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.utils import formats, timezone

from config.environment.exchange_rates import ExchangeRate
from tests.videos.catalog import test_offers
from tests.videos.catalog.test_offers import GPU
from tests.videos.catalog.test_reading import MODEL
from videos.catalog import staff_warnings
from videos.catalog.staff_warnings import Loss
from videos.models import Price

BINDING = MODEL["bindings"][0]
COST = {"per_second": {"480p": 0.02, "720p": 0.04}, "as_of": "2026-11", "source": "a list"}
FREE = {"per_clip": 0, "as_of": "2026-11", "source": "our own"}

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _one_engine(settings: LazySettings) -> None:
    settings.ENGINES = {"gpu": {**GPU, "offered_models": "wan-2.2"}}
    settings.EXCHANGE_RATES = {"USD": ExchangeRate(Decimal(7), timezone.localdate())}
    settings.CREDIT_VALUE_RMB = Decimal("0.1")


def use(tmp_path: Path, settings: LazySettings, *models: dict[str, Any], **more: Any) -> None:
    """Use these models, also for the words of quality, so that no word lacks a model."""
    words = {"standard": "wan-2.2", "hd": "wan-2.2"}
    test_offers.use(tmp_path, settings, *models, qualities=words, **more)


def model(cost: Any = COST, *, ends: Any = None, **more: Any) -> dict[str, Any]:
    return {
        **MODEL,
        **more,
        "bindings": [{**BINDING, "cost": cost, "ends": ends, "takes": ["audio"]}],
    }


def test_loss_names_the_worst_video_of_each_model_and_engine(
    tmp_path: Path, settings: LazySettings
) -> None:
    # At 480p a second costs 0.14 and brings 0.15; at 720p it costs 0.28 and brings 0.30.
    use(tmp_path, settings, model())
    assert staff_warnings.find_warnings() == []
    Price.objects.create(kind="image", model="wan-2.2", resolution="720p", credits=2)
    assert staff_warnings.find_losses() == [
        Loss("wan-2.2", "gpu", "720p", 15, False, Decimal("3.0"), Decimal("4.20"))
    ]
    assert staff_warnings.find_warnings() == [
        "Wan 2.2 at gpu is sold below cost: 15 seconds at 720p cost ¥4.20 and are sold for ¥3.00."
    ]


def test_loss_is_found_without_sound_and_under_the_flat_price_of_an_alias(
    tmp_path: Path, settings: LazySettings
) -> None:
    price = {"per": "second", "text": 20, "silent": 1}
    flat = {"model": "wan-2.2", "price": {"per": "clip", "seconds": 12, "text": 20}}
    own = model(
        {**COST, "silent": 0.03}, price=price, audio="optional", seconds={"min": 3, "max": 13}
    )
    use(tmp_path, settings, own, aliases={"sora-2": flat})
    assert staff_warnings.find_warnings() == [
        (
            "Wan 2.2 at gpu is sold below cost: 13 seconds at 480p without sound cost ¥2.73 and"
            " are sold for ¥1.30."
        ),
        "sora-2 at gpu is sold below cost: 12 seconds at 720p cost ¥3.36 and are sold for ¥2.00.",
    ]


def test_sandbox_and_free_engines_are_no_loss(tmp_path: Path, settings: LazySettings) -> None:
    settings.EXCHANGE_RATES = {}
    settings.CREDIT_VALUE_RMB = Decimal(0)
    use(tmp_path, settings, model(FREE))
    assert staff_warnings.find_warnings() == []
    use(tmp_path, settings, model())
    settings.ENGINES = {"gpu": {**GPU, "is_sandbox": "1"}}
    assert staff_warnings.find_warnings() == []


def test_rates_that_lack_or_are_old_are_named(tmp_path: Path, settings: LazySettings) -> None:
    use(tmp_path, settings, model())
    settings.EXCHANGE_RATES = {"EUR": ExchangeRate(Decimal(8), date(2026, 1, 2))}
    assert staff_warnings.find_warnings() == [
        "Margins are unknown: engines charge in USD. Set EXCHANGE_RATES.",
        "The exchange rate of EUR is of 2 January 2026. Set EXCHANGE_RATES anew.",
    ]


def in_days(days: int) -> str:
    return str(timezone.localdate() + timedelta(days=days))


def in_words(days: int) -> str:
    return formats.date_format(timezone.localdate() + timedelta(days=days))


@pytest.mark.parametrize(("days", "warned"), [(61, False), (60, True), (1, True), (0, False)])
def test_staff_are_warned_sixty_days_before_a_model_ends(
    tmp_path: Path, settings: LazySettings, days: int, warned: bool
) -> None:
    use(tmp_path, settings, model(sunset=in_days(days)))
    ending = f"Wan 2.2 ends on {in_words(days)} and is not offered from then on."
    assert staff_warnings.find_warnings() == ([ending] if warned else [])
    use(tmp_path, settings, model(ends=in_days(days)))
    stopping = f"gpu stops making Wan 2.2 on {in_words(days)}."
    assert staff_warnings.find_warnings() == ([stopping] if warned else [])


def test_staff_are_warned_when_a_word_means_a_model_that_has_ended(
    tmp_path: Path, settings: LazySettings
) -> None:
    over = model(sunset="2026-10-22")
    use(tmp_path, settings, over, aliases={"draft": {"model": "wan-2.2"}})
    assert staff_warnings.find_warnings() == [
        "draft means Wan 2.2, which ended on 22 October 2026: orders of it are refused."
    ]


def test_staff_are_warned_when_a_word_means_a_model_that_no_engine_makes(
    tmp_path: Path, settings: LazySettings
) -> None:
    other = {**model(), "id": "wan-3", "label": "Wan 3"}
    words = {"aliases": {"draft": {"model": "wan-3"}}, "qualities": {"hd": "draft"}}
    test_offers.use(tmp_path, settings, model(), other, **words)
    assert staff_warnings.find_warnings() == [
        "draft means Wan 3, which no engine makes: orders of it are refused.",
        (
            "The quality standard means Sora 2, which no engine makes: orders of it are refused."
            " Set MODEL_ALIASES for sora-2."
        ),
        (
            "The quality hd means Wan 3, which no engine makes: orders of it are refused."
            " Set MODEL_ALIASES for draft."
        ),
    ]
    settings.ENGINES = {}
    assert staff_warnings.find_warnings() == []


def test_warnings_take_one_query(
    tmp_path: Path, settings: LazySettings, django_assert_num_queries: Any
) -> None:
    use(tmp_path, settings, model(), {**model(), "id": "wan-3"})
    with django_assert_num_queries(1):
        staff_warnings.find_warnings()
