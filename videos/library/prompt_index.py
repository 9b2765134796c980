"""Find the few videos whose prompts may contain words, without reading the others.

The index knows which prompts have which three characters in a row. Whoever asks it compares the
words themselves with what it finds. Words of one or two characters, of which many are whole words
in Chinese, Japanese and Korean, are not in it: for those alone all prompts are read.
"""

from collections.abc import Iterator
from uuid import UUID

from django.db import connection

from config.lib import texts

# Words that more videos have are frequent: a list in its order meets such videos soon.
MOST_FOUND = 2000
# So many of a text's trigrams are asked for; the others would hardly exclude any more.
MOST_ASKED = 24

SQLITE = (
    "SELECT n.video_id FROM videos_promptindex i JOIN videos_promptnumber n ON n.number = i.rowid"
    " WHERE videos_promptindex MATCH %s LIMIT %s"
)
POSTGRESQL = "SELECT video_id FROM videos_promptindex WHERE trigrams @> %s LIMIT %s"


def candidates(words: str, most: int = MOST_FOUND) -> list[UUID] | None:
    """Return the ids of all videos, of any user, whose prompts may contain each of these words.

    None when these are more than `most`, or when every word is shorter than three characters.
    """
    asked = list(dict.fromkeys(_trigrams(words)))[:MOST_ASKED]
    if not asked:
        return None
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            quoted = ('"' + trigram.replace('"', '""') + '"' for trigram in asked)
            cursor.execute(SQLITE, [" AND ".join(quoted), most + 1])
        else:
            cursor.execute(POSTGRESQL, [asked, most + 1])
        found = [UUID(str(pk)) for (pk,) in cursor.fetchall()]
    return found if len(found) <= most else None


def _trigrams(words: str) -> Iterator[str]:
    for word in texts.search_key(words).split():
        for start in range(len(word) - 2):
            yield word[start : start + 3]
