"""The tables of the ratings' database, and how a file of an earlier version gets them."""

from __future__ import annotations

import sqlite3

VERSION = 3
APPLICATION = 0x41695264  # "AiRd": marks a ratings database in SQLite's header

RATINGS = """
CREATE TABLE ratings (
    key        TEXT PRIMARY KEY,  -- of one play of a song
    listener   TEXT NOT NULL,
    station    TEXT NOT NULL,
    made_by    TEXT NOT NULL,     -- fingerprint of the station; retrained, it makes other songs
    song       TEXT NOT NULL,     -- its name
    coordinate TEXT NOT NULL,     -- P, a JSON list of numbers
    rating     REAL NOT NULL,     -- -1 to 1
    weight     REAL NOT NULL,     -- how much the taste trusts it
    curve      TEXT NOT NULL,     -- a JSON list of [seconds, slider]
    skipped    INTEGER NOT NULL,  -- 1 if the song was skipped untouched
    time       REAL NOT NULL,     -- seconds since 1970
    expected   REAL               -- the rating predicted before the song was played, or NULL
)
"""
# The frames of rated songs, packed by radio/ratings/sound_codec.py: when the station is retrained,
# nothing else says how they sounded. A rating that is overwritten keeps its sound; the sound of a
# deleted rating is deleted too.
SOUNDS = (
    "CREATE TABLE sounds (key TEXT PRIMARY KEY, frames BLOB NOT NULL)",
    "CREATE TRIGGER forget_sound AFTER DELETE ON ratings"
    " BEGIN DELETE FROM sounds WHERE key = OLD.key; END",
)
INDEX = "CREATE INDEX ratings_of ON ratings (listener, station, time)"
# What to run on a table of an earlier version, by the version that introduced it.
ADDED = {2: ("ALTER TABLE ratings ADD COLUMN expected REAL",), 3: SOUNDS}
COLUMNS = (
    "key, listener, station, made_by, song, coordinate, "
    "rating, weight, curve, skipped, time, expected"
)


def upgrade(database: sqlite3.Connection) -> None:
    """Create the tables of the current version, or bring an earlier version up to it."""
    # IMMEDIATE, and the version read under the lock: two programs may start at once.
    database.execute("BEGIN IMMEDIATE")
    found = int(database.execute("PRAGMA user_version").fetchone()[0])
    statements: tuple[str, ...] = (RATINGS, INDEX, *SOUNDS)
    if found:
        versions = range(found + 1, VERSION + 1)
        statements = tuple(one for number in versions for one in ADDED.get(number, ()))
    for statement in statements:
        database.execute(statement)
    database.execute(f"PRAGMA application_id = {APPLICATION}")
    database.execute(f"PRAGMA user_version = {VERSION}")
    database.execute("COMMIT")
