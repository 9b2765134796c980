"""An index of all prompts by three characters in a row, so that a search need not read them all.

It stands in tables of its own: a row of `videos_video` changes with each poll, and PostgreSQL would
write it into every index of the table then. Triggers keep it, in the statement that writes or blanks
the search key of a prompt.

SQLite indexes with FTS5, without the text and without places (`detail=none`): a search asks for each
three characters of a word and compares the word itself with what it finds. PostgreSQL does the same
with a GIN index on an array, which needs no extension.

As for the triggers of migration 0019: a later migration that makes SQLite copy the table must run
`stop` before and `start` after that.
"""

from typing import Any

from django.db import migrations

SQLITE_START = (
    """CREATE TABLE videos_promptnumber (
        number integer PRIMARY KEY, video_id char(32) NOT NULL UNIQUE
    )""",
    """CREATE VIRTUAL TABLE videos_promptindex USING fts5(
        words, content='', detail=none, columnsize=0, tokenize='trigram case_sensitive 1'
    )""",
    """CREATE TRIGGER videos_video_prompt_insert AFTER INSERT ON videos_video BEGIN
        INSERT INTO videos_promptnumber (video_id) VALUES (NEW.id);
        INSERT INTO videos_promptindex (rowid, words)
        SELECT number, NEW.search_text FROM videos_promptnumber WHERE video_id = NEW.id;
    END""",
    """CREATE TRIGGER videos_video_prompt_update AFTER UPDATE OF search_text ON videos_video
        WHEN NEW.search_text <> OLD.search_text BEGIN
        INSERT INTO videos_promptindex (videos_promptindex, rowid, words)
        SELECT 'delete', number, OLD.search_text FROM videos_promptnumber WHERE video_id = OLD.id;
        INSERT INTO videos_promptindex (rowid, words)
        SELECT number, NEW.search_text FROM videos_promptnumber WHERE video_id = NEW.id;
    END""",
    """CREATE TRIGGER videos_video_prompt_delete AFTER DELETE ON videos_video BEGIN
        INSERT INTO videos_promptindex (videos_promptindex, rowid, words)
        SELECT 'delete', number, OLD.search_text FROM videos_promptnumber WHERE video_id = OLD.id;
        DELETE FROM videos_promptnumber WHERE video_id = OLD.id;
    END""",
    "INSERT INTO videos_promptnumber (video_id) SELECT id FROM videos_video ORDER BY created_at",
    """INSERT INTO videos_promptindex (rowid, words)
        SELECT n.number, v.search_text FROM videos_promptnumber n
        JOIN videos_video v ON v.id = n.video_id ORDER BY n.number""",
)
SQLITE_STOP = (
    "DROP TRIGGER videos_video_prompt_insert",
    "DROP TRIGGER videos_video_prompt_update",
    "DROP TRIGGER videos_video_prompt_delete",
    "DROP TABLE videos_promptindex",
    "DROP TABLE videos_promptnumber",
)
POSTGRESQL_START = (
    """CREATE FUNCTION videos_trigrams(words text) RETURNS text[] LANGUAGE sql IMMUTABLE AS $$
        SELECT COALESCE(array_agg(DISTINCT trigram) FILTER (WHERE char_length(trigram) = 3), '{}')
        FROM (
            SELECT string_agg(letter, '') OVER (
                ORDER BY place ROWS BETWEEN CURRENT ROW AND 2 FOLLOWING
            ) AS trigram
            FROM unnest(string_to_array(words, NULL)) WITH ORDINALITY AS letters(letter, place)
        ) AS places
    $$""",
    "CREATE TABLE videos_promptindex (video_id uuid PRIMARY KEY, trigrams text[] NOT NULL)",
    """CREATE FUNCTION videos_video_prompt() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF TG_OP <> 'INSERT' THEN
            DELETE FROM videos_promptindex WHERE video_id = OLD.id;
        END IF;
        IF TG_OP <> 'DELETE' THEN
            INSERT INTO videos_promptindex VALUES (NEW.id, videos_trigrams(NEW.search_text));
        END IF;
        RETURN NULL;
    END $$""",
    """CREATE TRIGGER videos_video_prompt_write AFTER INSERT OR DELETE ON videos_video
        FOR EACH ROW EXECUTE FUNCTION videos_video_prompt()""",
    """CREATE TRIGGER videos_video_prompt_update AFTER UPDATE OF search_text ON videos_video
        FOR EACH ROW WHEN (NEW.search_text <> OLD.search_text)
        EXECUTE FUNCTION videos_video_prompt()""",
    "INSERT INTO videos_promptindex SELECT id, videos_trigrams(search_text) FROM videos_video",
    "CREATE INDEX videos_promptindex_trigrams ON videos_promptindex USING gin (trigrams)",
)
POSTGRESQL_STOP = (
    "DROP TRIGGER videos_video_prompt_write ON videos_video",
    "DROP TRIGGER videos_video_prompt_update ON videos_video",
    "DROP FUNCTION videos_video_prompt()",
    "DROP TABLE videos_promptindex",
    "DROP FUNCTION videos_trigrams(text)",
)


def _execute(schema_editor: Any, sqlite: tuple[str, ...], postgresql: tuple[str, ...]) -> None:
    is_sqlite = schema_editor.connection.vendor == "sqlite"
    for statement in sqlite if is_sqlite else postgresql:
        schema_editor.execute(statement)


def start(apps: Any, schema_editor: Any) -> None:
    """Index every prompt, and keep the index from now on."""
    _execute(schema_editor, SQLITE_START, POSTGRESQL_START)


def stop(apps: Any, schema_editor: Any) -> None:
    _execute(schema_editor, SQLITE_STOP, POSTGRESQL_STOP)


class Migration(migrations.Migration):
    dependencies = [("videos", "0020_list_indexes")]

    operations = [migrations.RunPython(start, stop)]
