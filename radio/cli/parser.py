"""The command line `ai-radio`: its commands, examples and parser.

Nothing heavy is imported here, so that help and errors appear at once.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from radio.cli import arguments
from radio.cli.options import home as home_option
from radio.errors import meant

EXAMPLES = """\
examples:
  ai-radio                                           play the starter station and rate its songs
  ai-radio web                                       the same in a browser, on this machine
  ai-radio train ~/Music --station mine              train a station on your own music
  ai-radio play --station mine                       play it
  ai-radio --listener anna                           play for another listener, now and next time
  ai-radio now --format '{title} {rating:+.1f}'      what plays, for a status bar
  ai-radio send next                                 skip, from anywhere
  ai-radio history --csv > ratings.csv               export your ratings as a table
  ai-radio generate --count 10 --output songs        write ten new songs as WAV files
  ai-radio final --output songs                      compose the song you would like best
  ai-radio reconstruct song.ogg --output songs       encode a song with a station and decode it
  ai-radio continue song.ogg --station mine          let a song of yours go on
  ai-radio morph a.ogg b.ogg --station mine          a song like a, in which happens what does in b
  ai-radio map --station mine --output map.png       draw a station's songs and your ratings
  ai-radio starter --output starter                  write the starter collection as WAV files
  ai-radio compress song.flac                        make song.air, about a tenth of its size
  ai-radio decompress song.air                       turn it back into song.wav
"""
COMPLETION = """\
Print a script with which a shell completes ai-radio's commands and options. To install it:

  bash   ai-radio completion bash > ~/.local/share/bash-completion/completions/ai-radio
  zsh    ai-radio completion zsh > ~/.zfunc/_ai-radio, if ~/.zfunc is in $fpath
  tcsh   ai-radio completion tcsh > ~/.ai-radio.tcsh, and source that file in ~/.tcshrc
  fish   ai-radio completion fish > ~/.config/fish/completions/ai-radio.fish
"""
# command -> (module in radio.cli.commands, one line of help)
COMMANDS = {
    "play": ("play", "play a station and rate its songs (the default)"),
    "web": ("web", "play in a browser: opens a page on this machine"),
    "train": ("train", "train a station on your music"),
    "generate": ("generate", "write new songs of a station"),
    "reconstruct": ("reconstruct", "encode songs with a station and write the decoded songs"),
    "continue": ("continuation", "let songs of yours go on, drawn by a station"),
    "morph": ("continuation", "write songs between two songs"),
    "final": ("generate", "write the song that a listener should like best"),
    "starter": ("generate", "write the starter collection"),
    "compress": ("compress", "compress music to small .air files"),
    "decompress": ("compress", "turn .air files into WAV or FLAC files"),
    "history": ("history", "list the ratings"),
    "saved": ("saved", "list, play, delete or export the songs that you saved"),
    "now": ("send", "show what plays, for a status bar or a script"),
    "send": ("send", "control the radio that plays: send next, send rate 0.5"),
    "stations": ("doctor", "list the stations"),
    "listeners": ("history", "list who has rated songs"),
    "map": ("map", "draw a map of a station's songs, new songs and a listener's ratings"),
    "listener": ("listener", "list listeners; export, import, delete or seed a listener's ratings"),
    "doctor": ("doctor", "show paths, versions and problems, and play a test tone"),
    "completion": ("completion", "print a script with which a shell completes commands"),
}
# `stations` and `listeners` take no arguments of their own
ARGUMENTS: dict[str, Callable[[argparse.ArgumentParser], None]] = {
    "play": arguments.play_command,
    "train": arguments.train,
    "generate": arguments.generate,
    "reconstruct": arguments.reconstruct,
    "continue": arguments.continue_,
    "morph": arguments.morph,
    "final": arguments.final,
    "starter": arguments.starter,
    "map": arguments.map_,
    "compress": arguments.compress,
    "decompress": arguments.decompress,
    "history": arguments.history,
    "listener": arguments.listener,
    "saved": arguments.saved,
    "now": arguments.now,
    "send": arguments.send,
    "web": arguments.web,
    "doctor": arguments.doctor,
    "completion": arguments.completion,
}
JSON = (
    "generate reconstruct continue morph final compress decompress stations listeners listener"
    " doctor saved now send"
).split()  # commands with --json; `history` has its own


class _Parser(argparse.ArgumentParser):
    """A parser that prints errors in one line, and examples before its help."""

    examples = ""
    commands: Mapping[str, argparse.ArgumentParser] = {}

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"ai-radio: {' '.join(message.split())}; see {self.prog} --help\n")

    def parse_args(self, args=None, namespace=None):
        """Parse as argparse does, but refuse '--' as an option's value, which argparse drops."""
        given = list(sys.argv[1:] if args is None else args)
        for typed in given:
            if typed.startswith("--") and typed.partition("=")[2] == "--":
                self.error(f"{typed} gives no value")
        # an unknown option before the command: argparse would take its value for the command
        for typed in itertools.takewhile(lambda word: word not in self.commands, given):
            if typed.startswith("--") and typed != "--":
                self._check_option(typed)
        options, unknown = self.parse_known_args(given, namespace)
        if unknown:
            command = self.commands.get(options.command or "", self)
            assert isinstance(command, _Parser)
            command._check_option(unknown[0])
            self.error(f"{unknown[0]!r} is one argument too many")
        return options

    def _check_option(self, typed: str) -> None:
        """Refuse an option that there is not, and name the one that may have been meant."""
        name = typed.partition("=")[0]
        if name.startswith("-") and name not in self._option_string_actions:
            self.error(f"there is no option {name!r}{meant(name, self._option_string_actions)}")

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        """Refuse a value that is no choice, and name the one that may have been meant."""
        if action.choices is not None and value not in action.choices:
            known = [str(choice) for choice in action.choices]
            what = "a command" if isinstance(action, argparse._SubParsersAction) else "a choice"
            suggestion = meant(str(value), known) or f"; choose from {', '.join(known)}"
            raise argparse.ArgumentError(
                None if what == "a command" else action, f"{value!r} is not {what}{suggestion}"
            )

    def format_help(self) -> str:
        text = super().format_help()
        return f"{self.examples}\n{text}" if self.examples else text


def parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    main_parser = _Parser(
        prog="ai-radio",
        description="A radio that makes its own music and learns what you like.",
        allow_abbrev=False,
    )
    main_parser.examples = EXAMPLES
    main_parser.add_argument("--version", action="store_true", help="show the version and quit")
    home_option(main_parser, None)
    arguments.play(main_parser, default=None)
    commands = main_parser.add_subparsers(dest="command", metavar="command", parser_class=_Parser)
    main_parser.commands = commands.choices
    for name, (_, text) in COMMANDS.items():
        how: dict[str, Any] = {"description": f"{text[0].upper()}{text[1:]}."}
        if name == "completion":
            how = {
                "description": COMPLETION,
                "formatter_class": argparse.RawDescriptionHelpFormatter,
            }
        added = commands.add_parser(name, help=text, allow_abbrev=False, **how)
        # Options may also precede the command, so the command's defaults must not overwrite them.
        home_option(added, argparse.SUPPRESS)
        if name in ARGUMENTS:
            ARGUMENTS[name](added)
        if name in JSON:
            added.add_argument("--json", action="store_true", help="print JSON for a program")
    return main_parser
