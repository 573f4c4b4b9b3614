"""`ai-radio saved`: list, play, delete and export the songs that were saved."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

from radio.errors import UsageError, meant
from radio.home import Home, open_folder
from radio.station import SavedSong, delete_saved, saved_songs, write_playlist

TICK_SECONDS = 0.1


def saved(options: argparse.Namespace) -> None:
    """List the saved songs, or act on one or all of them."""
    folder = Home(options.home).path / "songs"
    if options.action == "open":
        print(open_folder(folder))
        return
    songs = saved_songs(folder)
    if options.action == "list":
        _list(songs, options.json)
    elif options.action == "export":
        path = Path(options.name or "ai-radio.m3u8").expanduser()
        if path.suffix.lower() not in (".m3u", ".m3u8"):
            raise UsageError(f"a playlist is a file that ends in .m3u8 or .m3u, not {path}")
        print(f"{write_playlist(songs, path)}  {len(songs)} song{'s' * (len(songs) != 1)}")
    else:
        song = _named(songs, options.name, options.action)
        if options.action == "play":
            _play(song)
        else:
            delete_saved(song)
            print(f"deleted {song.path}")


def _list(songs: list[SavedSong], as_json: bool) -> None:
    if as_json:
        json.dump([_row(song) for song in songs], sys.stdout, indent=2)
        print()
        return
    if not songs:
        print("No song has been saved yet; s saves the song that plays.")
    for song in songs:
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(song.time))
        rating = "      " if song.rating is None else f"{song.rating:+6.2f}"
        final = "  your final song" if song.final else ""
        print(f"{when}  {song.name:22}  {song.station:12}  {rating}  {song.path}{final}")


def _row(song: SavedSong) -> dict[str, Any]:
    return {
        "path": str(song.path),
        "song": song.name,
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(song.time)),
        "station": song.station,
        "rating": song.rating,
        "final": song.final,
        "coordinate": song.coordinate.tolist(),
        "code": song.code,
    }


def _named(songs: list[SavedSong], name: str | None, action: str) -> SavedSong:
    """Return the latest song of a name, or the one in a file of a name.

    Raises:
        UsageError: if there is none.
    """
    if name is None:
        raise UsageError(f"which song? ai-radio saved {action} NAME")
    for song in songs:
        if name.lower() in (song.name.lower(), song.path.name.lower(), song.path.stem.lower()):
            return song
    known = [song.name for song in songs]
    suggestion = meant(name, [known_name.lower() for known_name in known])
    there = f"saved are: {', '.join(known[:12])}" if known else "no song has been saved yet"
    raise UsageError(f"there is no saved song {name!r}{suggestion}; {there}")


def _play(song: SavedSong) -> None:
    """Play a file to its end."""
    import soundfile

    from audio_parsing.playback import open_player

    try:
        samples, rate = soundfile.read(song.path, dtype="float32", always_2d=True)
    except soundfile.SoundFileError as error:
        raise UsageError(f"{song.path} can't be played: {error}") from error
    player, reason = open_player()
    if reason:
        print(reason, file=sys.stderr)
    try:
        print(f"{song.name}  {song.path}   (Ctrl-C stops it)", flush=True)
        player.play(samples.mean(axis=1), rate)
        while not player.finished and not player.failure:
            time.sleep(TICK_SECONDS)
    finally:
        player.close()
