"""Run the command line: parse the arguments, import the command's module, print errors in one line.

Exit codes: 0 done, 1 a bug or a failed check, 2 a request that can't be carried out (one line on
stderr says what to do), 130 Ctrl-C.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence

from radio.cli.parser import COMMANDS, parser
from radio.cli.surroundings import open_streams, place_kernels
from radio.errors import explain
from radio.home import Home


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code."""
    open_streams()
    try:
        options = parser().parse_args(arguments)
        if options.version:
            from radio.cli.commands.doctor import installed

            print(f"ai-radio {installed('ai-radio')}")
            return 0
        place_kernels(Home(options.home))
        command = options.command or "play"
        module = importlib.import_module(f"radio.cli.commands.{COMMANDS[command][0]}")
        # `continue` is a word of the language, its function has an underscore
        function = getattr(module, command, None) or getattr(module, f"{command}_")
        code = function(options)
        sys.stdout.flush()
        return int(code or 0)
    except BrokenPipeError:
        # The reader of our output has gone, as `head` does. Python would complain again when it
        # flushes at exit.
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
