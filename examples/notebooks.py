"""Make notebooks of the lessons: a cell for the subject, one for each function, one that runs it.

    python examples/notebooks.py 4       writes examples/04_backprop_through_time.ipynb
    python examples/notebooks.py         those of all lessons

It needs nbformat, which comes with JupyterLab: pip install jupyterlab; jupyter lab examples.
A notebook runs in the folder of the lessons, whose library it uses.
"""

from __future__ import annotations

import argparse
import ast
import re
import sys
from pathlib import Path

HERE = Path(__file__).parent
LAST = "found = run(main)  # run(main, fast=True) takes seconds\n"


def lessons() -> dict[str, Path]:
    """Return the scripts of the lessons by their numbers: 1, 1b, 2."""
    paths = sorted(HERE.glob("[0-9]*.py"))
    return {path.stem.split("_")[0].lstrip("0"): path for path in paths}


def effort(path: Path) -> str:
    """Return how long a lesson takes and what it comes after, as the table of the course says."""
    course = (HERE.parent / "docs" / "course.md").read_text(encoding="utf-8")
    row = re.search(rf"^\| \[.*/{path.name}\)[^|]*\|(.*?)\|[^|]*\|(.*?)\|", course, re.MULTILINE)
    if row is None:
        return "A lesson of your own"
    minutes, after = row[1].strip(), row[2].strip()
    plural = "s" if "," in after else ""
    return f"{minutes} minutes" + (f", after lesson{plural} {after}" if after else "")


def split(text: str) -> tuple[str, list[str]]:
    """Return a lesson's docstring, and its code in cells: imports, each function, its run."""
    tree, lines = ast.parse(text), text.splitlines(keepends=True)
    cells, start = [], tree.body[0].end_lineno or 0
    for node in tree.body[1:]:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            # comments stay with the definition that they precede, constants with the imports
            before = "".join(lines[start : node.lineno - 1 - len(node.decorator_list)])
            cells += [before, "".join(lines[start + before.count("\n") : node.end_lineno])]
            start = node.end_lineno or 0
        elif isinstance(node, ast.If):  # __name__ == "__main__"
            cells += ["".join(lines[start : node.lineno - 1]), LAST]
    return ast.get_docstring(tree) or "", [cell.strip("\n") for cell in cells if cell.strip()]


def notebook(path: Path) -> str:
    """Return the notebook of a lesson as JSON."""
    import nbformat
    from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

    doc, code = split(path.read_text(encoding="utf-8"))
    title, _, subject = doc.partition("\n")
    place = f"*{effort(path)}. Made from examples/{path.name}; open it in that folder.*"
    cells = [new_markdown_cell(f"# {title.rstrip('.')}\n{subject}\n\n{place}")]
    cells += [new_code_cell(cell) for cell in code]
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"  # not a random one: the same lesson is the same notebook
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    book = new_notebook(cells=cells, metadata={"kernelspec": kernel})
    nbformat.validate(book)
    return nbformat.writes(book) + "\n"


def main() -> int:
    """Write the notebooks of the command line's lessons, or of all."""
    parser = argparse.ArgumentParser(
        prog="notebooks.py",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    known = lessons()
    text = f"one of {', '.join(known)}; all of them if not given"
    parser.add_argument("lesson", nargs="*", help=text)
    text = "folder for the notebooks (default: that of the lessons, where they run)"
    parser.add_argument("--output", type=Path, default=HERE, metavar="FOLDER", help=text)
    options = parser.parse_args()
    chosen = options.lesson or list(known)
    for number in chosen:
        if number.lstrip("0") not in known:
            parser.error(f"there is no lesson {number}; there are {', '.join(known)}")
    try:
        options.output.mkdir(parents=True, exist_ok=True)
        for number in chosen:
            path = known[number.lstrip("0")]
            target = options.output / f"{path.stem}.ipynb"
            target.write_text(notebook(path), encoding="utf-8")
            print(target)
    except ModuleNotFoundError:
        parser.error("notebooks need nbformat: pip install jupyterlab, or pip install nbformat")
    except OSError as error:
        parser.error(f"--output {options.output}: {error.strerror or error}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
