"""Every public name has a docstring, with shapes, units and errors where they apply."""

from __future__ import annotations

import ast
import doctest
import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("neural_networks", "audio_parsing", "compression", "gan", "radio")
# (T, B, F), (n,), (N, S * 6, 202), (.., 3H); and what says that a shape is another array's, or any
SHAPE = re.compile(
    r"\((\.\.\.?, )?[\w' /*+.-]+,[^()]*\)|\b(like|shaped|shape|shapes) |\bof any shape\b"
    r"|\bflat vector|\bone slice\b"
)
ARRAY = re.compile(r"ndarray|\bArray\b")
NAMED_ARRAYS = "dict[str, np.ndarray]"  # for checkpoints: the names say what they are
# A parameter's name that does not tell its unit, and what its docstring has to say of it.
UNITS = {
    "sample_rate": r"Hz|sample rate|rate",
    "hop_length": r"samples|hop",
    "bpm": r"beats a minute|tempo|bpm",
}
# the second is one line and exit code 2 of every command; see radio/cli/main.py
TOLD_ELSEWHERE = ("NotImplementedError", "UsageError")


class Name(NamedTuple):
    """A public function, method or class, and where it stands."""

    path: Path
    name: str
    node: ast.FunctionDef | ast.ClassDef
    around: str  # docstrings of its class and module


def public_names() -> Iterator[Name]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            module = ast.get_docstring(tree) or ""
            for node in tree.body:
                if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith(
                    "_"
                ):
                    yield Name(path, node.name, node, module)
                    if isinstance(node, ast.ClassDef):
                        around = module + "\n" + (ast.get_docstring(node) or "")
                        for part in node.body:
                            setter = any(
                                ast.unparse(each).endswith(".setter")
                                for each in getattr(part, "decorator_list", [])
                            )
                            if (
                                isinstance(part, ast.FunctionDef)
                                and not part.name.startswith("_")
                                and not setter
                            ):
                                yield Name(path, f"{node.name}.{part.name}", part, around)


def raised(node: ast.AST, caught: frozenset[str] = frozenset()) -> set[str]:
    """Return the names of the errors that leave a function by its own `raise`."""
    found = set()
    if (
        isinstance(node, ast.Raise)
        and isinstance(node.exc, ast.Call)
        and isinstance(node.exc.func, ast.Name)
    ):
        found = {node.exc.func.id} - caught
    if isinstance(node, ast.Try):
        handled = [
            each for handler in node.handlers if handler.type for each in ast.walk(handler.type)
        ]
        inside = caught | {each.id for each in handled if isinstance(each, ast.Name)}
        found |= {name for part in node.body for name in raised(part, inside)}
        rest = [*node.handlers, *node.orelse, *node.finalbody]
    else:
        # raises when it is called
        rest = [
            part for part in ast.iter_child_nodes(node) if not isinstance(part, ast.FunctionDef)
        ]
    return found | {name for part in rest for name in raised(part, caught)}


def faults(one: Name) -> list[str]:
    """Return what a docstring does not say."""
    text = ast.get_docstring(one.node)
    if not text:
        return ["has no docstring"]
    if isinstance(one.node, ast.ClassDef):
        return []
    found = []
    arguments = [*one.node.args.args, *one.node.args.kwonlyargs]
    annotations = [each.annotation for each in arguments] + [one.node.returns]
    arrays = any(
        each is not None and ARRAY.search(ast.unparse(each).replace(NAMED_ARRAYS, ""))
        for each in annotations
    )
    if arrays and not SHAPE.search(text) and not SHAPE.search(one.around):
        found.append("says no shapes")
    for argument in arguments:
        unit = UNITS.get(argument.arg)
        if unit and not re.search(unit, text + one.around):
            found.append(f"says no unit of {argument.arg}")
    for error in sorted(raised(one.node)):
        if error not in TOLD_ELSEWHERE and error not in text and error not in one.around:
            found.append(f"does not say that it raises {error}")
    return found


def test_the_test_finds_faults() -> None:
    code = """
def right(x: np.ndarray, sample_rate: int) -> np.ndarray:
    '''Return samples (n,) of x (n,) at a rate in Hz; raises ValueError if there are none.'''
    if not len(x):
        raise ValueError(1)
    try:
        raise KeyError(2)
    except KeyError:
        return x

def wrong(x: np.ndarray, sample_rate: int) -> np.ndarray:
    '''Return x.'''
    raise ValueError(1)

def bare():
    pass
"""
    nodes = [node for node in ast.parse(code).body if isinstance(node, ast.FunctionDef)]
    right, wrong, bare = (faults(Name(ROOT, node.name, node, "")) for node in nodes)
    assert right == [] and bare == ["has no docstring"]
    assert wrong == [
        "says no shapes",
        "says no unit of sample_rate",
        "does not say that it raises ValueError",
    ]


def test_every_public_name_says_what_it_takes_gives_and_refuses() -> None:
    names = list(public_names())
    assert len(names) > 500
    found = [
        f"{one.path.relative_to(ROOT)}: {one.name} {fault}"
        for one in names
        for fault in faults(one)
    ]
    assert not found, "\n".join(["", *found])


EXAMPLES = [
    path
    for package in PACKAGES
    for path in sorted((ROOT / package).rglob("*.py"))
    if ">>> " in path.read_text(encoding="utf-8")
]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples_of_docstrings_run(path: Path) -> None:
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    said: list[str] = []
    runner = doctest.DocTestRunner()
    for test in doctest.DocTestFinder().find(importlib.import_module(name)):
        runner.run(test, out=said.append)
    assert runner.tries and not runner.failures, "".join(said)
