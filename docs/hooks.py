"""What mkdocs.yml asks of Python: source code by name, formulas as MathML, a page's list of modules.

    [source: gan/losses.py::hinge](../gan/losses.py)     a line of its own: becomes the function as it stands in the file
    [source: gan/losses.py](../gan/losses.py)            the module's docstring, where its equations are
    [modules: gan](../gan)                               the reference of every module of a package
    [speed: S2 GRU](performance.md)                      that row of the table of docs/performance.md, so that a figure stands in one place
    [text](../gan/losses.py)                             a link within a line leads to the module's reference, others are their text
    $...$ and $$...$$                                    become MathML, which browsers draw without a script and without a network

On a page that is read elsewhere the first five are links to the file.
"""

from __future__ import annotations

import ast
import html
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
SOURCE = re.compile(
    r"^\[source: (?P<path>[\w/]+\.py)(?:::(?P<name>[\w.]+))?\]\((?:\.\./)+(?P=path)\)$",
    re.MULTILINE,
)
MODULES = re.compile(r"^\[modules: (?P<package>\w+)\]\((?:\.\./)+(?P=package)\)$", re.MULTILINE)
SPEED = re.compile(r"^\[speed: (?P<row>S\d [\w ,']+)\]\(performance\.md\)$", re.MULTILINE)
OUTSIDE = re.compile(r"(?<!!)\[(?P<text>[^\]\n]+)\]\((?:\.\./)+(?P<path>[\w./-]+)\)")
FORMULA = re.compile(r'<(span|div) class="arithmatex">\\([(\[])(.*?)\\[)\]]</\1>', re.DOTALL)


class DocumentationError(ValueError):
    """A page asks for what is not there; the message says which page and what."""


def source(path: str, name: str | None) -> tuple[str, int]:
    """Return the text of a function, class or method by its name, or the module's docstring without one, and its first line's number.

    Raises:
        KeyError: if the file has no such name.
    """
    text = (ROOT / path).read_text(encoding="utf-8")
    node: Any = ast.parse(text)
    if name is None:
        return (ast.get_docstring(node) or "").strip(), 1
    for part in name.split("."):
        node = next((each for each in node.body if getattr(each, "name", None) == part), None)
        if node is None:
            raise KeyError(f"{path} has no {name}")
    first = min([node.lineno, *(each.lineno for each in getattr(node, "decorator_list", []))])
    lines = text.splitlines()[first - 1 : node.end_lineno]
    indent = len(lines[0]) - len(lines[0].lstrip())
    return "\n".join(line[indent:] for line in lines), first


def speed(row: str) -> str:
    """Return a row of the first table of docs/performance.md that has it, as a table of its own.

    Raises:
        KeyError: if there is no such row.
    """
    lines = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines):
        if line.startswith(f"| {row} |"):
            head = number
            while lines[head - 1].startswith("|"):
                head -= 1
            return "\n".join([*lines[head : head + 2], line])
    raise KeyError(f"docs/performance.md has no row {row}")


def modules(package: str) -> list[str]:
    """Return the names of a package's modules that have something public, in the order of their paths."""
    found = []
    for path in sorted((ROOT / package).rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names = [
            node.name
            for node in tree.body
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_")
        ]
        if names and path.name != "__main__.py":
            found.append(
                ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            )
    return found


def on_page_markdown(markdown: str, *, page: Any, **_: Any) -> str:
    """Put source code and lists of modules into a page."""

    def code(match: re.Match[str]) -> str:
        path, name = match["path"], match["name"]
        try:
            text, line = source(path, name)
        except (KeyError, OSError) as error:
            raise DocumentationError(f"{page.file.src_path}: {error}") from None
        if name is None:
            return f'```text title="{path}"\n{text}\n```'
        return f'```python title="{path}" linenums="{line}"\n{text}\n```'

    def row(match: re.Match[str]) -> str:
        try:
            return speed(match["row"])
        except KeyError as error:
            raise DocumentationError(f"{page.file.src_path}: {error}") from None

    def reference(match: re.Match[str]) -> str:
        return "\n\n".join(f"::: {name}" for name in modules(match["package"]))

    def outside(match: re.Match[str]) -> str:
        path = match["path"]
        if not (ROOT / path).exists():
            raise DocumentationError(f"{page.file.src_path}: there is no {path}")
        name = path.removesuffix(".py").replace("/", ".")
        package = name.split(".")[0]
        if not (ROOT / "docs" / "reference" / f"{package}.md").exists() or name not in modules(
            package
        ):
            return match["text"]
        return f"[{match['text']}](reference/{package}.md#{name})"

    return OUTSIDE.sub(outside, MODULES.sub(reference, SPEED.sub(row, SOURCE.sub(code, markdown))))


def on_page_content(content: str, **_: Any) -> str:
    """Turn formulas into MathML."""
    from latex2mathml.converter import convert

    def formula(match: re.Match[str]) -> str:
        return convert(
            html.unescape(match[3]).strip(), display="inline" if match[2] == "(" else "block"
        )

    return FORMULA.sub(formula, content)
