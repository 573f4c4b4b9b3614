"""Break the code at random places, one at a time, and count the breaks that the tests see.

    python benchmarks/mutants.py                           100 of gan/ and components/
    python benchmarks/mutants.py --skip 40                 the last 60 of these
    python benchmarks/mutants.py --count 20 --seed 1       others
    python benchmarks/mutants.py gan/losses.py             of these files only

A mutant is a module in which one operator, comparison, condition or number is another; it is never
written to a file. Its process runs the tests of its part, those named as the module first, until
one fails. Kernels are left out: Numba would run their compiled originals.
"""

from __future__ import annotations

import argparse
import ast
import importlib.machinery
import os
import random
import resource
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numba  # noqa: F401  loaded once, before the processes part
import pytest

ROOT = Path(__file__).parent.parent
PARTS = {"gan": "tests/gan", "neural_networks/components": "tests/neural_networks/components"}
SECONDS = 600  # of the processor; a mutant that takes longer is seen
OTHER = {
    **{ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult},
    **{ast.FloorDiv: ast.Mult, ast.Pow: ast.Mult, ast.MatMult: ast.Mult, ast.Mod: ast.Mult},
    **{ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt},
    **{ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is},
    **{ast.And: ast.Or, ast.Or: ast.And, ast.USub: ast.UAdd},
}
COMPILED = {"kernel", "body", "intrinsic", "register_jitable"}


def places(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes that can be broken, outside of kernels and messages of errors."""
    for child in ast.iter_child_nodes(tree):
        marks = getattr(child, "decorator_list", [])
        if isinstance(child, ast.Raise) or COMPILED & {
            node.id for mark in marks for node in ast.walk(mark) if isinstance(node, ast.Name)
        }:
            continue
        if isinstance(child, ast.Constant):
            if type(child.value) in (int, float, bool):
                yield child
        elif isinstance(child, ast.BinOp | ast.UnaryOp | ast.BoolOp):
            if type(child.op) in OTHER:
                yield child
        elif isinstance(child, ast.Compare):
            if type(child.ops[0]) in OTHER:
                yield child
        yield from places(child)


def broken(node: ast.AST) -> str:
    """Change a node; return a line that says how."""
    before = ast.unparse(node)
    if isinstance(node, ast.Constant):
        node.value = not node.value if isinstance(node.value, bool) else node.value + 1
    elif isinstance(node, ast.Compare):
        node.ops[0] = OTHER[type(node.ops[0])]()
    elif isinstance(node, ast.BinOp | ast.UnaryOp | ast.BoolOp):
        node.op = OTHER[type(node.op)]()
    return f"{before}  ->  {ast.unparse(node)}"


def survives(file: Path, tree: ast.AST, tests: str) -> bool:
    """Return whether all tests of a part pass with the broken module."""
    own = own_tests(file, tests)
    # Most breaks are seen by the first of these, and to collect all tests takes longer than that.
    if own and not passes(file, tree, own):
        return False
    return passes(file, tree, [tests, *(f"--ignore={one}" for one in own)])


def tests_of(file: Path) -> str:
    """Return the folder of a module's tests."""
    return next(tests for part, tests in PARTS.items() if file.is_relative_to(part))


def own_tests(file: Path, tests: str) -> list[str]:
    """Return the files of tests that are named as a module."""
    return sorted(map(str, ROOT.glob(f"{tests}/**/test_{file.stem.strip('_')}*.py")))


def passes(file: Path, tree: ast.AST, tests: list[str]) -> bool:
    """Return whether tests pass with the broken module, in a separate process."""
    if child := os.fork():
        return os.waitpid(child, 0)[1] == 0
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    output = os.open(os.devnull, os.O_WRONLY)
    os.dup2(output, 1)
    os.dup2(output, 2)
    loader = importlib.machinery.SourceFileLoader
    original = loader.get_code

    def get_code(self: importlib.machinery.SourceFileLoader, name: str) -> object:
        if Path(self.path) == file:
            return compile(tree, str(file), "exec")  # type: ignore[call-overload]
        return original(self, name)

    loader.get_code = get_code  # type: ignore[method-assign, assignment]
    options = ["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
    os._exit(int(pytest.main([*options, *tests])))


def main() -> None:
    """Break, count, and print what no test saw."""
    parser = argparse.ArgumentParser(description="Count the breaks that the tests see.")
    parser.add_argument("files", nargs="*", type=Path, help="modules to break")
    parser.add_argument("--count", type=int, default=100, help="mutants (default: 100)")
    parser.add_argument("--skip", type=int, default=0, help="the first of them (default: 0)")
    parser.add_argument("--seed", type=int, default=0, help="of their places (default: 0)")
    options = parser.parse_args()
    os.chdir(ROOT)
    sys.path.insert(0, str(ROOT))
    files = options.files or [file for part in PARTS for file in sorted(Path(part).rglob("*.py"))]
    files = [file for file in files if "kernels" not in file.parts]
    all_places = [
        (file, number)
        for file in files
        for number, _ in enumerate(places(ast.parse(file.read_text("utf-8"))))
    ]
    chosen = random.Random(options.seed).sample(all_places, min(options.count, len(all_places)))  # noqa: S311
    chosen = chosen[options.skip :]
    began, alive = time.monotonic(), 0
    for file in {file for file, _ in chosen}:  # where these fail anyway, no break would be seen
        tests = own_tests(file, tests_of(file))
        if tests and not passes(ROOT / file, ast.parse(file.read_text("utf-8")), tests):
            raise SystemExit(f"the tests of {file} fail without a break")
    for number, (file, which) in enumerate(chosen, 1):
        tree = ast.parse(file.read_text("utf-8"))
        node = list(places(tree))[which]
        change = broken(node)
        if survives(ROOT / file, tree, tests_of(file)):
            alive += 1
            print(f"survived  {file}:{getattr(node, 'lineno', 0)}  {change}", flush=True)
        seconds = time.monotonic() - began
        print(f"{number} of {len(chosen)}: {alive} survived, {seconds:.0f} s", file=sys.stderr)
    share = 100 * (1 - alive / max(1, len(chosen)))
    print(f"{len(chosen)} mutants of {len(all_places)} places: {share:.0f} % seen")


if __name__ == "__main__":
    main()
