"""The command line, `ai-radio`: what can be typed, and how errors are told.

Nothing heavy is imported before the arguments are understood: each command lives in
`radio.cli.commands` and is imported when it runs. Exit codes: 0 done, 1 a fault of the program, 2
something asked for can't be done (one line on stderr says what and what to do), 130 Ctrl-C.
"""

from __future__ import annotations

import argparse
import importlib
import io
import math
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from radio.errors import explain

EXAMPLES = """\
examples:
  ai-radio                                           play the starter station and rate what you hear
  ai-radio web                                       the same in a browser, on this machine
  ai-radio train ~/Music --station mine              make a station from your own music
  ai-radio play --station mine                       play it
  ai-radio --listener anna                           play for somebody else; the next start goes on with her
  ai-radio history --csv > ratings.csv               take your ratings along
  ai-radio generate --count 10 --output songs        write ten new songs as WAV files
  ai-radio final --output songs                      descend to the song you would like best
  ai-radio reconstruct song.ogg --output songs       hear what a station makes of a song
  ai-radio map --station mine --output map.png       see a station's songs and your ratings as a map
  ai-radio starter --output starter                  write the starter collection as WAV files
  ai-radio compress song.flac                        make song.air, about a tenth of its size
  ai-radio decompress song.air                       make song.wav of it again
"""
# command -> (module in radio.cli.commands, one line of help)
COMMANDS = {
    "play": ("play", "play a station and rate its songs (the default)"),
    "web": ("web", "play in a browser: opens a page on this machine"),
    "train": ("train", "make a station from a folder of music"),
    "generate": ("generate", "write new songs of a station"),
    "reconstruct": ("reconstruct", "send songs through a station and write what comes out"),
    "final": ("generate", "write the song that a listener's ratings lead to"),
    "starter": ("generate", "write the starter collection"),
    "compress": ("compress", "make small files of music"),
    "decompress": ("compress", "make WAV or FLAC files of compressed ones"),
    "history": ("history", "show what was rated"),
    "stations": ("doctor", "list the stations"),
    "listeners": ("history", "list who has rated songs"),
    "map": ("map", "draw a station's songs, those it makes and those a listener rated"),
    "listener": ("listener", "list listeners; export, import or delete one's ratings"),
    "doctor": ("doctor", "show where things are and whether they work, and play a tone"),
    "completion": ("completion", "print a script with which a shell completes commands"),
}
# gan.latent.KINDS and gan.critic_bodies.BODIES, heavy to import too
LATENTS = ("owner", "total", "gaussian", "mixture", "learned-prior")
CRITICS = ("convolutional", "recurrent", "mixed", "framewise")
# beats a minute; radio.station.steps, which is heavy to import, holds the tempo coordinate between
# them
SLOWEST_TEMPO, FASTEST_TEMPO = 60, 200


class _Parser(argparse.ArgumentParser):
    """Tells errors in one line, and shows examples before everything else."""

    examples = ""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"ai-radio: {' '.join(message.split())}; see {self.prog} --help\n")

    def parse_args(self, args=None, namespace=None):
        """Parse as argparse does, but let no option have '--' for its value: argparse takes that for no value, and checks none."""
        for typed in sys.argv[1:] if args is None else args:
            if typed.startswith("--") and typed.partition("=")[2] == "--":
                self.error(f"{typed} gives no value")
        return super().parse_args(args, namespace)

    def format_help(self) -> str:
        return (
            f"{self.examples}\n{super().format_help()}" if self.examples else super().format_help()
        )


def whole(low: int, high: int) -> Callable[[str], int]:
    """Return a reader of whole numbers between two bounds."""

    def read(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = low - 1
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {low} to {high}")
        return value

    return read


def between(low: float, high: float) -> Callable[[str], float]:
    """Return a reader of numbers between two bounds."""

    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number from {low:g} to {high:g}")
        return value

    return read


def positive(most: float) -> Callable[[str], float]:
    """Return a reader of numbers above zero."""

    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not 0 < value <= most:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0, at most {most:g}")
        return value

    return read


def parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    main_parser = _Parser(
        prog="ai-radio",
        description="A radio that makes its own music and learns what you like.",
        allow_abbrev=False,
    )
    main_parser.examples = EXAMPLES
    main_parser.add_argument("--version", action="store_true", help="show the version and quit")
    _home(main_parser, None)
    _play(main_parser, default=None)
    commands = main_parser.add_subparsers(dest="command", metavar="command", parser_class=_Parser)
    added = {}
    for name, (_, text) in COMMANDS.items():
        added[name] = commands.add_parser(
            name, help=text, description=f"{text[0].upper()}{text[1:]}.", allow_abbrev=False
        )
        _home(added[name], argparse.SUPPRESS)
    # What was given before the command's name counts too: the commands' own defaults must not
    # overwrite it.
    _play(added["play"])
    own = {
        "train": _train,
        "generate": _generate,
        "reconstruct": _reconstruct,
        "final": _final,
        "starter": _starter,
        "map": _map,
    }
    own |= {
        "compress": _compress,
        "decompress": _decompress,
        "history": _history,
        "listener": _listener,
    }
    own |= {"web": _web, "doctor": _doctor, "completion": _completion}
    for name, add in own.items():
        add(added[name])
    for name in (
        "generate",
        "reconstruct",
        "final",
        "compress",
        "decompress",
        "stations",
        "listeners",
        "listener",
        "doctor",
    ):
        added[name].add_argument(
            "--json", action="store_true", help="print JSON for a program to read"
        )
    return main_parser


def _home(each: argparse.ArgumentParser, default: str | None) -> None:
    text = "where everything is kept (default: AI_RADIO_HOME, else the platform's data folder)"
    each.add_argument("--home", metavar="DIR", default=default, help=text)


def _common(
    each: argparse.ArgumentParser, *names: str, default: str | None = argparse.SUPPRESS
) -> None:
    if "station" in names:
        each.add_argument(
            "--station", metavar="NAME", default=default, help="which station (default: starter)"
        )
    if "listener" in names:
        each.add_argument(
            "--listener", metavar="NAME", default=default, help="whose ratings (default: me)"
        )
    if "seed" in names:
        each.add_argument(
            "--seed",
            type=whole(0, 2**32 - 1),
            metavar="N",
            default=default,
            help="the same seed makes the same songs",
        )
    if "latent" in names:
        text = "the distribution that new songs are drawn from (default: the station's)"
        each.add_argument("--latent", choices=LATENTS, default=default, help=text)
    if "beats" in names:
        each.add_argument(
            "--beats",
            type=int,
            choices=(16, 32, 64, 128),
            default=default,
            help="length of a song (default: the station's)",
        )


def _play(each: argparse.ArgumentParser, *, default: str | None = argparse.SUPPRESS) -> None:
    _common(each, "station", "listener", "seed", "latent", "beats", default=default)
    ways = ("random", "greedy", "thompson", "ucb")
    each.add_argument(
        "--explore",
        choices=ways,
        default=default,
        help="how the next song is chosen (default: ucb)",
    )
    text = "lines instead of a screen: for pipes, screen readers and slow connections"
    each.add_argument(
        "--plain", action="store_true", default=False if default is None else default, help=text
    )


def _web(each: argparse.ArgumentParser) -> None:
    _common(each, "station", "listener", "seed", "latent", "beats")
    text = "the address to listen on (default: 127.0.0.1); any other than this machine's own asks for a password"
    each.add_argument("--host", metavar="ADDRESS", default="127.0.0.1", help=text)
    text = "the port to listen on (default: 8017; 0 takes a free one)"
    each.add_argument("--port", type=whole(0, 65535), metavar="N", default=8017, help=text)
    text = "holds the password in its first line (default: AI_RADIO_PASSWORD, else the one given before, else it is asked for)"
    each.add_argument("--password-file", metavar="FILE", type=Path, help=text)
    each.add_argument("--no-open", action="store_true", help="open no browser")


def _output(each: argparse.ArgumentParser, what: str) -> None:
    each.add_argument(
        "--output", metavar="DIR|FILE", type=Path, default=Path("."), help=f"{what} (default: here)"
    )


def _train(each: argparse.ArgumentParser) -> None:
    each.add_argument(
        "folder",
        nargs="?",
        type=Path,
        metavar="FOLDER",
        help="with music, searched with everything below it",
    )
    each.add_argument(
        "--starter", action="store_true", help="train on the starter collection instead of a folder"
    )
    each.add_argument(
        "--fresh",
        type=whole(0, 2000),
        default=0,
        metavar="N",
        help="with --starter: and on N new arrangements of its tunes",
    )
    _common(each, "seed", "latent", "beats")
    each.add_argument(
        "--station",
        metavar="NAME",
        default=argparse.SUPPRESS,
        help="name of the station to make, or to go on with",
    )
    text = "what judges whole songs (default: convolutional)"
    each.add_argument("--critic", choices=CRITICS, default=CRITICS[0], help=text)
    text = "draw losses, scores and generated songs while the critic teaches, every minute: a .png, .svg or .pdf file"
    each.add_argument("--plot", metavar="FILE", type=Path, help=text)
    text = "new songs come nearer to real ones, learned ones a little less near; for --minutes 30 or more"
    each.add_argument("--thorough", action="store_true", help=text)
    length = each.add_mutually_exclusive_group()
    length.add_argument(
        "--minutes", type=positive(100_000), metavar="M", help="about how long (default: 10)"
    )
    text = "how many steps; the same seed and steps make the same station"
    length.add_argument("--steps", type=whole(1, 100_000_000), metavar="N", help=text)
    text = "songs a step of each process (default: 8); n processes learn as one whose steps have n times as many"
    each.add_argument("--batch", type=whole(1, 4096), metavar="N", help=text)
    each.add_argument(
        "--threads",
        type=whole(1, 2),
        metavar="N",
        help="1 or 2 (default: as many as there are cores)",
    )


def _generate(each: argparse.ArgumentParser) -> None:
    _common(each, "station", "seed", "latent", "beats")
    each.add_argument(
        "--count",
        type=whole(1, 100_000),
        default=1,
        metavar="N",
        help="how many songs (default: 1)",
    )
    each.add_argument(
        "--like",
        type=Path,
        metavar="FILE",
        help="make a saved song again, from the .json beside it",
    )
    _output(each, "a folder, or for one song a .wav file")


def _reconstruct(each: argparse.ArgumentParser) -> None:
    each.add_argument("files", nargs="+", type=Path, metavar="FILE", help="music")
    _common(each, "station")
    text = "the song's tempo, for stations that keep tempo apart (default: found by trying)"
    each.add_argument("--bpm", type=between(SLOWEST_TEMPO, FASTEST_TEMPO), metavar="N", help=text)
    _output(each, "a folder, or for one file a .wav file")


def _final(each: argparse.ArgumentParser) -> None:
    _common(each, "station", "listener", "seed", "beats")
    _output(each, "a folder, or a .wav file")


def _starter(each: argparse.ArgumentParser) -> None:
    _common(each, "beats")
    each.add_argument(
        "--count",
        type=whole(1, 96),
        default=96,
        metavar="N",
        help="how many of the 96 songs (default: all)",
    )
    each.add_argument(
        "--output", metavar="DIR", type=Path, required=True, help="the folder to write to"
    )


def _history(each: argparse.ArgumentParser) -> None:
    _common(each, "station", "listener")
    form = each.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print JSON, with coordinates and curves")
    form.add_argument("--csv", action="store_true", help="print a table for a spreadsheet")


def _doctor(each: argparse.ArgumentParser) -> None:
    each.add_argument("--quiet", action="store_true", help="play no tone")


def _completion(each: argparse.ArgumentParser) -> None:
    each.add_argument("shell", choices=("bash", "zsh", "tcsh"), help="which shell")


def _map(each: argparse.ArgumentParser) -> None:
    _common(each, "station", "listener", "seed")
    each.add_argument(
        "--count",
        type=whole(0, 10_000),
        default=100,
        metavar="N",
        help="how many new songs are drawn (default: 100)",
    )
    each.add_argument(
        "--output",
        metavar="FILE",
        type=Path,
        default=Path("map.png"),
        help="a .png, .svg or .pdf file (default: map.png)",
    )


def _listener(each: argparse.ArgumentParser) -> None:
    actions = ("list", "export", "import", "delete")
    each.add_argument(
        "action", nargs="?", choices=actions, default="list", help="what to do (default: list)"
    )
    each.add_argument("name", nargs="?", metavar="NAME", help="of the listener")
    each.add_argument(
        "file",
        nargs="?",
        metavar="FILE",
        type=Path,
        help="a .json file to export to or import from",
    )


def _compress(each: argparse.ArgumentParser) -> None:
    each.add_argument("files", nargs="+", type=Path, metavar="FILE", help="music")
    text = "1 is smallest, 5 is closest to the original (default: 3)"
    each.add_argument("--quality", type=whole(1, 5), default=3, metavar="N", help=text)
    each.add_argument("--force", action="store_true", help="write over files that are there")
    _output(each, "a folder, or for one file a .air file")


def _decompress(each: argparse.ArgumentParser) -> None:
    each.add_argument(
        "files", nargs="+", type=Path, metavar="FILE", help="that ai-radio compress wrote"
    )
    each.add_argument("--force", action="store_true", help="write over files that are there")
    _output(each, "a folder, or for one file a .wav or .flac file")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # a file's name may hold what no terminal can show
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        options = parser().parse_args(arguments)
        if options.version:
            from radio.cli.commands.doctor import installed

            print(f"ai-radio {installed('ai-radio')}")
            return 0
        command = options.command or "play"
        module = importlib.import_module(f"radio.cli.commands.{COMMANDS[command][0]}")
        code = getattr(module, command)(options)
        sys.stdout.flush()
        return int(code or 0)
    except BrokenPipeError:
        # Who read our output has left, as `head` does; Python would complain once more when it
        # flushes at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        line = explain(error)
        if line is None:
            raise
        print(f"ai-radio: {line}", file=sys.stderr)
        return 2
