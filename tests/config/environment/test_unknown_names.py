"""Names in the environment that look like settings but that nothing reads."""

from pathlib import Path

import pytest

from config.environment.unknown_names import find_unknown_names


def test_misspelled_variable_is_named_with_the_setting_it_resembles(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_API_KEYY", "k")
    assert list(find_unknown_names()) == [
        "Nothing reads OPENAI_API_KEYY, which is set. Did you mean OPENAI_API_KEY?"
    ]


def test_variable_of_an_engine_without_its_kind_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENGINE_LAB_APIKEY", "k")
    assert list(find_unknown_names()) == [
        "Nothing reads ENGINE_LAB_APIKEY, which is set. No setting has this name."
    ]


def test_every_unknown_name_of_the_file_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / ".env"
    file.write_text("SITE_NAMME=Lab\nCOLOUR=red\nPOSTGRES_PASSWORD=p\nSITE_NAME=Lab\n")
    monkeypatch.setenv("ENV_FILE", str(file))
    assert list(find_unknown_names()) == [
        "Nothing reads COLOUR, which is set. No setting has this name.",
        "Nothing reads SITE_NAMME, which is set. Did you mean SITE_NAME?",
    ]


def test_secret_on_a_line_of_its_own_is_not_repeated(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / ".env"
    file.write_text("STRIPE_SECRET_KEY=\nsk_live_51Habc\nMIIEvQIBADAN==\nhttp_proxy=http://p\n")
    monkeypatch.setenv("ENV_FILE", str(file))
    assert list(find_unknown_names()) == [
        ".env has a line that sets nothing. Write NAME=value, quoted if it has several lines."
    ]


def test_variables_of_other_programs_are_not_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("COLOUR", "PYTHONPATH", "KUBERNETES_PORT", "LC_ALL", "HOSTNAME", "SSH_CLIENT"):
        monkeypatch.setenv(name, "1")
    assert list(find_unknown_names()) == []
