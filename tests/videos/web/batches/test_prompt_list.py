"""Lists of prompts as people paste them and as spreadsheets save them."""

import pytest

from config.lib.web import csv_export
from videos.web.batches.prompt_list import Row, UnreadableList, decode, read


def cells(text: str) -> list[dict[str, str]]:
    return [row.cells for row in read(text)]


def prompts(text: str) -> list[str]:
    return [row.cells["prompt"] for row in read(text)]


def test_each_line_is_a_prompt_when_there_is_no_header() -> None:
    assert cells('\n A boat, at dusk \r\n\r\n\u200b\n"A kite"; blue\n') == [
        {"prompt": "A boat, at dusk"},
        {"prompt": '"A kite"; blue'},
    ]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_first_line_names_the_columns_of_a_table(delimiter: str) -> None:
    lines = (["Prompt", "Negative prompt", "SECONDS"], ["A boat", "", "8"], ["A kite", "rain", ""])
    assert cells("\r\n".join(map(delimiter.join, lines))) == [
        {"prompt": "A boat", "negative_prompt": "", "seconds": "8"},
        {"prompt": "A kite", "negative_prompt": "rain", "seconds": ""},
    ]


def test_quoted_cell_keeps_separators_quotes_and_line_breaks() -> None:
    text = 'prompt,seconds\r\n"A boat, ""Ada"",\r\nin the rain",8\r\n'
    assert cells(text) == [{"prompt": 'A boat, "Ada",\nin the rain', "seconds": "8"}]


def test_rows_and_columns_without_anything_are_left_out() -> None:
    assert cells("prompt,,\nA boat,,\n,,\n \n") == [{"prompt": "A boat"}]


def test_row_that_is_shorter_than_the_header_has_no_more_cells() -> None:
    assert read("prompt,seconds\nA boat") == [Row({"prompt": "A boat"})]


def test_row_with_more_cells_than_columns_is_marked() -> None:
    assert read("prompt,seconds\nA boat,8,at dusk") == [
        Row({"prompt": "A boat", "seconds": "8"}, has_more=True)
    ]


def test_separator_line_of_a_spreadsheet_is_followed() -> None:
    assert cells("sep=;\nprompt;seconds\nA boat, at dusk;8") == [
        {"prompt": "A boat, at dusk", "seconds": "8"}
    ]


def test_formulas_are_texts_and_those_of_our_own_files_lose_their_mark() -> None:
    ours = "".join(csv_export.lines(["prompt"], [["=1+1"], ["-boat"], ["'quoted'"]]))
    assert prompts(ours) == ["=1+1", "-boat", "'quoted'"]
    assert prompts('prompt\n"=HYPERLINK(""http://x"")"') == ['=HYPERLINK("http://x")']


def test_long_prompts_are_kept_whole() -> None:
    assert prompts(f"prompt\n{'a' * 5000}\n") == ["a" * 5000]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_file_is_read_in_the_encodings_of_spreadsheets(encoding: str) -> None:
    assert prompts(decode("prompt\r\n雨の中の船\r\n".encode(encoding))) == ["雨の中の船"]


@pytest.mark.parametrize("body", ["雨の中".encode("shift_jis"), b"\xff\xfeA", b"a\0b", b"caf\xe9"])
def test_file_in_another_encoding_is_refused(body: bytes) -> None:
    with pytest.raises(UnreadableList, match="not in UTF-8"):
        decode(body)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("prompt,style\nA boat,dark", "Unknown column: style. The columns are: prompt, model"),
        ("prompt,seconds,Seconds\nA boat,8,8", "twice: seconds"),
        ('prompt\nA boat\n"A kite\n', "Line 3 cannot be read"),
        ('prompt\n"A" boat\n', "Line 2 cannot be read"),
        (f"prompt\n{'a' * 200_000}\n", "Line 2 cannot be read"),
        ("sep=,\nA boat\n", "must name the columns"),
    ],
)
def test_table_that_cannot_be_read_says_why(text: str, why: str) -> None:
    with pytest.raises(UnreadableList, match=why):
        read(text)


def test_csv_file_needs_a_header() -> None:
    with pytest.raises(UnreadableList, match="must name the columns"):
        read("A boat,8\n", is_table=True)


@pytest.mark.parametrize("text", ["", "\n\n", "\ufeff", "prompt\n"])
def test_empty_list_has_no_rows(text: str) -> None:
    assert read(text) == []
