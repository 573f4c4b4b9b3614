"""Check the exercises of the course: compare your gradients with finite differences.

    python examples/check.py 4          the exercises of lesson 4: exercises/04_*.py
    python examples/check.py            those of all lessons

Write your answers into the files of examples/exercises. The checker says where an answer is wrong,
not how to correct it. It ends with 0 if all answers are right, with 1 if any is wrong.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import re
import sys
import traceback
import types
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import numpy as np
from checks import Wrong

HERE = Path(__file__).parent
# how NumPy says that two matrices don't fit
INNER = re.compile(r"^matmul: .*\(size (\d+) is different from (\d+)\)$")


def lessons() -> dict[str, str]:
    """Return the names of the files of exercises by the numbers of their lessons: 1, 1b, 2."""
    names = sorted(path.stem for path in (HERE / "checks").glob("[0-9]*.py"))
    return {name.split("_")[0].lstrip("0"): name for name in names}


def load(path: Path) -> types.ModuleType:
    """Run a file of answers.

    Raises:
        SystemExit: with one line if it can't be read or run.
    """
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except OSError as error:
        fail(f"{path}: {error.strerror or error}")
    except SyntaxError as error:
        fail(f"{path}, line {error.lineno}: {error.msg}")
    except Exception as error:
        fail(f"{path}: {described(error, path)}")
    return module


def fail(message: str) -> NoReturn:
    """End with one line and exit code 2."""
    print(f"check.py: {message}", file=sys.stderr)
    raise SystemExit(2)


def described(error: Exception, path: Path) -> str:
    """Return an error's type and text, and the last line of the reader's file that led to it."""
    lines = [
        frame.lineno
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename) == path
    ]
    place = f" in line {lines[-1]}" if lines else ""
    text = INNER.sub(r"the inner sizes of a product are \2 and \1", str(error))
    return f"{type(error).__name__}{place}: {text}".splitlines()[0]


def exercises(name: str) -> dict[str, Callable]:
    """Return the checks of a lesson by the names of the functions they check."""
    checks = importlib.import_module(f"checks.{name}")
    return {
        exercise: check
        for exercise, check in vars(checks).items()
        if getattr(check, "__module__", "") == checks.__name__ and not exercise.startswith("_")
    }


def verdicts(name: str, folder: Path) -> Iterator[tuple[str, str]]:
    """Yield each exercise of a lesson, and what is wrong with its answer: nothing if right."""
    path = folder / f"{name}.py"
    theirs = load(path)
    for exercise, check in exercises(name).items():
        yield exercise, fault(check, theirs, path)


def fault(check: Callable, theirs: types.ModuleType, path: Path) -> str:
    """Return what is wrong with one answer, or nothing."""
    exercise = check.__name__
    if not callable(getattr(theirs, exercise, None)):
        return f"{path.name} has no function {exercise}"
    try:
        # the same numbers in every run, so that a fault stays where it is until it is mended
        with np.errstate(all="ignore"):  # a result that is no number is refused anyway
            check(theirs, np.random.default_rng(zlib.crc32(exercise.encode())))
    except Wrong as error:
        return str(error)
    except Exception as error:
        return described(error, path)
    return ""


def main() -> int:
    """Check the lessons of the command line, or all; print one line for each exercise."""
    parser = argparse.ArgumentParser(
        prog="check.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    known = lessons()
    numbers = ", ".join(known)
    parser.add_argument("lesson", nargs="*", help=f"one of {numbers}; all of them if not given")
    text = "folder with your answers (default: exercises, beside this script)"
    parser.add_argument(
        "--folder", type=Path, default=HERE / "exercises", metavar="FOLDER", help=text
    )
    options = parser.parse_args()
    chosen = options.lesson or list(known)
    for number in chosen:
        if number.lstrip("0") not in known:
            parser.error(f"there is no lesson {number}; lessons are {numbers}")
    right = total = 0
    for number in chosen:
        name = known[number.lstrip("0")]
        print(name)
        for exercise, found in verdicts(name, options.folder.resolve()):
            print(f"  {exercise:26} {found or 'right'}")
            total, right = total + 1, right + (not found)
    print(f"{right} of {total} right")
    return 0 if right == total else 1


if __name__ == "__main__":
    sys.exit(main())
