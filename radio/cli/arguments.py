"""The arguments of each command: a function for each, which adds them to a parser."""

from __future__ import annotations

import argparse
from pathlib import Path

from gan.choices import CRITICS, DEFAULT_CRITIC
from radio.cli import options
from radio.cli.values import base_path, between, origin, positive, source, whole
from radio.home import normal
from radio.taste import DEFAULT_WAY, WAYS

PLAIN = "print lines instead of a screen: for pipes, screen readers and slow connections"
HOST = (
    "address to listen on (default: 127.0.0.1); a password is required for any other than this"
    " machine's own"
)
ORIGIN = (
    "address at which a proxy or a tunnel shows the page, as https://radio.example.org; may be"
    " given several times"
)
FROM_FILE = (
    "file whose first line is the password (default: AI_RADIO_PASSWORD, else the previous one,"
    " else you are asked)"
)
PLOT = (
    "plot losses, scores and generated songs during adversarial training, every minute: a .png,"
    " .svg or .pdf file"
)
BATCH = (
    "songs a step in each process (default: 16, with --starter 8); n processes train like one with"
    " n times as many songs a step"
)


def play(each: argparse.ArgumentParser, *, default: str | None = argparse.SUPPRESS) -> None:
    """Add the arguments of `play`, which is also what runs without a command."""
    options.shared(
        each, "station", "listener", "seed", "latent", "novelty", "beats", default=default
    )
    text = f"how the next song is chosen (default: {DEFAULT_WAY})"
    each.add_argument("--explore", choices=WAYS, default=default, help=text)
    plain = False if default is None else default
    each.add_argument("--plain", action="store_true", default=plain, help=PLAIN)
    text = "fade out and pause after N minutes"
    each.add_argument("--sleep", type=positive(1440), metavar="N", default=default, help=text)


def play_command(each: argparse.ArgumentParser) -> None:
    """Add the arguments of `play`, with the share code that only the command's name allows."""
    play(each)
    text = "share code of a song to begin with; the station that makes it is found"
    each.add_argument("code", nargs="?", metavar="CODE", help=text)


def web(each: argparse.ArgumentParser) -> None:
    """Add the arguments of `web`."""
    options.shared(each, "station", "listener", "seed", "latent", "novelty", "beats")
    each.add_argument("--host", metavar="ADDRESS", default="127.0.0.1", help=HOST)
    text = "port to listen on (default: 8017; 0 chooses a free one)"
    each.add_argument("--port", type=whole(0, 65535), metavar="N", default=8017, help=text)
    each.add_argument("--password-file", metavar="FILE", type=Path, help=FROM_FILE)
    each.add_argument(
        "--origin", metavar="URL", type=origin, action="append", default=[], help=ORIGIN
    )
    text = "path below which a proxy shows the page, as /radio (default: the root)"
    each.add_argument("--base-path", metavar="PATH", type=base_path, default="", help=text)
    each.add_argument("--no-open", action="store_true", help="don't open a browser")


def train(each: argparse.ArgumentParser) -> None:
    """Add the arguments of `train`."""
    add = each.add_argument
    text = "music: files, folders, searched recursively, and playlists (.m3u)"
    add("music", nargs="*", type=source, metavar="MUSIC", help=text)
    text = "train on the starter collection instead"
    add("--starter", action="store_true", help=text)
    text = "with --starter: also train on N new arrangements of its tunes (default: 600)"
    add("--fresh", type=whole(0, 2000), metavar="N", help=text)
    text = "with --starter: also train on N invented tunes (default: 512)"
    add("--invented", type=whole(0, 2000), metavar="N", help=text)
    options.shared(each, "seed", "latent", "learned beats")
    text = "name of the station to make, or to continue training"
    add("--station", type=normal, metavar="NAME", default=argparse.SUPPRESS, help=text)
    text = f"network that judges whole songs (default: {DEFAULT_CRITIC})"
    add("--critic", choices=CRITICS, default=DEFAULT_CRITIC, help=text)
    add("--plot", metavar="FILE", type=Path, help=PLOT)
    length = each.add_mutually_exclusive_group()
    text = "approximate duration (default: 10, with --starter 25)"
    length.add_argument("--minutes", type=positive(100_000), metavar="M", help=text)
    text = "number of steps; the same seed and steps make the same station"
    length.add_argument("--steps", type=whole(1, 100_000_000), metavar="N", help=text)
    add("--batch", type=whole(1, 4096), metavar="N", help=BATCH)
    text = "1 or 2 (default: as many as there are cores)"
    add("--threads", type=whole(1, 2), metavar="N", help=text)
    options.soundfont(each)


def generate(each: argparse.ArgumentParser) -> None:
    """Add the arguments of `generate`."""
    options.shared(each, "station", "seed", "latent", "novelty", "beats")
    text = "number of songs (default: 1)"
    each.add_argument("--count", type=whole(1, 100_000), default=1, metavar="N", help=text)
    text = "make a song again: a share code, or the .json file beside a saved song"
    each.add_argument("--like", type=Path, metavar="CODE|FILE", help=text)
    text = "also write the notes of each song, as far as its frames show them: a .mid file"
    each.add_argument("--midi", action="store_true", help=text)
    options.kind(each)
    options.output(each, "a folder, or for one song a file")


def reconstruct(each: argparse.ArgumentParser) -> None:
    """Add the arguments of `reconstruct`."""
    each.add_argument("files", nargs="+", type=Path, metavar="FILE", help="music")
    options.shared(each, "station")
    options.bpm(each)
    options.soundfont(each)
    options.output(each, "a folder, or for one file a .wav file", beside=True)


def continue_(each: argparse.ArgumentParser) -> None:
    """Add the arguments of `continue`."""
    each.add_argument("files", nargs="+", type=Path, metavar="FILE", help="music")
    options.shared(each, "station", "seed", "beats")
    options.bpm(each)
    options.output(each, "a folder, or for one file a .wav file", beside=True)


def morph(each: argparse.ArgumentParser) -> None:
    """Add the arguments of `morph`."""
    each.add_argument("files", nargs=2, type=Path, metavar="FILE", help="two songs, A and B")
    options.shared(each, "station")
    text = "how far from A's to B's: what the whole song is like, 0 to 1 (default: 0, as A)"
    each.add_argument("--song", type=between(0, 1), default=0.0, metavar="X", help=text)
    text = "how far from A's to B's: what happens in it, 0 to 1 (default: 1, as in B)"
    each.add_argument("--events", type=between(0, 1), default=1.0, metavar="X", help=text)
    text = "so many songs on the way from A to there (default: 1, there)"
    each.add_argument("--count", type=whole(1, 100), default=1, metavar="N", help=text)
    options.bpm(each)
    options.output(each, "a folder, or for one song a .wav file", beside=True)


def final(each: argparse.ArgumentParser) -> None:
    """Add the arguments of `final`."""
    options.shared(each, "station", "listener", "seed", "beats")
    options.kind(each)
    options.output(each, "a folder, or a file")


def starter(each: argparse.ArgumentParser) -> None:
    """Add the arguments of `starter`."""
    options.shared(each, "learned beats")
    text = "how many of the 96 songs (default: all)"
    each.add_argument("--count", type=whole(1, 96), default=96, metavar="N", help=text)
    text = "folder to write to"
    each.add_argument("--output", metavar="DIR", type=Path, required=True, help=text)


def history(each: argparse.ArgumentParser) -> None:
    """Add the arguments of `history`."""
    options.shared(each, "station", "listener")
    form = each.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print JSON, with coordinates and curves")
    form.add_argument("--csv", action="store_true", help="print a table for a spreadsheet")


def doctor(each: argparse.ArgumentParser) -> None:
    """Add the arguments of `doctor`."""
    each.add_argument("--quiet", action="store_true", help="play no test tone")
    text = "repair the home: damaged files are moved aside, unfinished ones deleted"
    each.add_argument("--fix", action="store_true", help=text)


def saved(each: argparse.ArgumentParser) -> None:
    """Add the arguments of `saved`."""
    actions = ("list", "play", "delete", "export", "open")
    text = "what to do (default: list); open shows the folder"
    each.add_argument("action", nargs="?", choices=actions, default="list", help=text)
    text = "name of a song or its file; for export a .m3u8 file to write"
    each.add_argument("name", nargs="?", metavar="NAME", help=text)


def now(each: argparse.ArgumentParser) -> None:
    """Add the arguments of `now`."""
    text = "print this text with its fields filled in, as in '{title} {rating:+.1f}'"
    each.add_argument("--format", metavar="TEXT", help=text)


def send(each: argparse.ArgumentParser) -> None:
    """Add the arguments of `send`."""
    text = "a command: next, pause, rate 0.5, save, love, volume 50, seek 30, sleep 30, ..."
    each.add_argument("words", nargs="+", metavar="COMMAND", help=text)


def completion(each: argparse.ArgumentParser) -> None:
    """Add the arguments of `completion`."""
    each.add_argument("shell", choices=("bash", "zsh", "tcsh", "fish"), help="your shell")


def map_(each: argparse.ArgumentParser) -> None:
    """Add the arguments of `map`."""
    options.shared(each, "station", "listener", "seed")
    add = each.add_argument
    text = "number of new songs to draw (default: 100)"
    add("--count", type=whole(0, 10_000), default=100, metavar="N", help=text)
    text = "a .png, .svg or .pdf file (default: map.png)"
    add("--output", metavar="FILE", type=Path, default=Path("map.png"), help=text)


def listener(each: argparse.ArgumentParser) -> None:
    """Add the arguments of `listener`."""
    actions = ("list", "export", "import", "delete", "seed", "seeds", "unseed")
    text = "what to do (default: list)"
    each.add_argument("action", nargs="?", choices=actions, default="list", help=text)
    each.add_argument("name", nargs="?", metavar="NAME", help="name of the listener")
    text = ".json file to export to or import from; music that a taste begins with (seed)"
    each.add_argument("files", nargs="*", metavar="FILE", type=Path, help=text)
    options.shared(each, "station", default=None)
    text = "seed with the ratings of this station too"
    each.add_argument("--from-station", type=normal, metavar="NAME", help=text)


def compress(each: argparse.ArgumentParser) -> None:
    """Add the arguments of `compress`."""
    each.add_argument("files", nargs="+", type=Path, metavar="FILE", help="music")
    text = "1 is smallest, 5 is closest to the original (default: 3)"
    each.add_argument("--quality", type=whole(1, 5), default=3, metavar="N", help=text)
    each.add_argument("--force", action="store_true", help="overwrite existing files")
    options.output(each, "a folder, or for one file a .air file", beside=True)


def decompress(each: argparse.ArgumentParser) -> None:
    """Add the arguments of `decompress`."""
    text = ".air file written by ai-radio compress"
    each.add_argument("files", nargs="+", type=Path, metavar="FILE", help=text)
    each.add_argument("--force", action="store_true", help="overwrite existing files")
    text = "write files of more than a gigabyte"
    each.add_argument("--large", action="store_true", help=text)
    options.output(each, "a folder, or for one file a .wav or .flac file", beside=True)
