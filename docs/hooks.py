"""Extensions of mkdocs.yml: source code by name, formulas as MathML, lists of modules, lessons.

    [source: gan/losses.py::hinge](../gan/losses.py)   on its own line: the text of the function
    [source: gan/losses.py](../gan/losses.py)          the docstring of the module
    [modules: gan](../gan)                             the reference of every module of a package
    [speed: S2 GRU](performance.md)                    that row of the table of docs/performance.md
    [text](../gan/losses.py)                           a link to the module's reference or to the
                                                       page of the lesson; its text if there is none
    $...$ and $$...$$                                  MathML, which needs no script and no network

Where a page is read outside of the site, the first five are links to the file. Each lesson, its
exercises and their answers get a page with the source, and each lesson a notebook.
"""

from __future__ import annotations

import ast
import functools
import html
import re
import runpy
from pathlib import Path
from typing import Any

from mkdocs.plugins import CombinedEvent, event_priority

ROOT = Path(__file__).parent.parent
SOURCE = re.compile(
    r"^\[source: (?P<path>[\w/]+\.py)(?:::(?P<name>[\w.]+))?\]\((?:\.\./)+(?P=path)\)$",
    re.MULTILINE,
)
MODULES = re.compile(r"^\[modules: (?P<package>\w+)\]\((?:\.\./)+(?P=package)\)$", re.MULTILINE)
SPEED = re.compile(r"^\[speed: (?P<row>S\d [\w ,']+)\]\(performance\.md\)$", re.MULTILINE)
OUTSIDE = re.compile(r"(?<!!)\[(?P<text>[^\]\n]+)\]\((?:\.\./)+(?P<path>[\w./-]+)\)")
HELPERS = ("lesson.py", "check.py", "notebooks.py")  # of examples/, which are no lessons
NORM = "&#x02016;"  # a double bar; browsers stretch it to the height of the whole formula
LISTING = re.compile(r'<details class="mkdocstrings-source">.*?</details>', re.DOTALL)
FORMULA = re.compile(r'<(span|div) class="arithmatex">\\([(\[])(.*?)\\[)\]]</\1>', re.DOTALL)


class DocumentationError(ValueError):
    """A page names something that does not exist; the message says which page and what."""


def source(path: str, name: str | None) -> tuple[str, int]:
    """Return the source of a function, class or method and the number of its first line.

    Without a name it is the docstring of the module.

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
    """Return a table of one row: that row of docs/performance.md below the head of its table.

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


@functools.cache
def modules(package: str) -> list[str]:
    """Return the names of the modules of a package that have public names, sorted by path."""
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


@functools.cache
def scripts() -> list[str]:
    """Return the paths of the lessons, exercises and answers, which get a page each."""
    paths = [
        path
        for folder in ("examples", "examples/exercises", "examples/solutions")
        for path in sorted((ROOT / folder).glob("*.py"))
    ]
    return [path.relative_to(ROOT).as_posix() for path in paths if path.name not in HELPERS]


@functools.cache
def books() -> dict[str, Any]:
    """Return the names of examples/notebooks.py."""
    return runpy.run_path(str(ROOT / "examples" / "notebooks.py"))


def lessons() -> dict[str, str]:
    """Return the notebooks of the lessons by the paths of their scripts."""
    found = books()["lessons"]().values()
    return {path.relative_to(ROOT).as_posix(): books()["notebook"](path) for path in found}


def script_page(path: str) -> str:
    """Return the page of a script: what it is about, its picture, links, and its source."""
    text = (ROOT / path).read_text(encoding="utf-8")
    name, up = Path(path).stem, "../" * path.count("/")
    title, _, rest = (ast.get_docstring(ast.parse(text)) or name).partition("\n")
    parts = [f"# {title.rstrip('.')}"]
    subject = rest.strip().split("\n\n")[0]
    if subject:  # what a formula would follow ends as a sentence here
        parts.append(re.sub(r"([*<])", r"\\\1", subject.rstrip(":,.") + "."))
    if re.match(r"examples/\d", path):
        links = [f"[As a notebook]({name}.ipynb) for the folder examples/"]
        links.insert(0, books()["effort"](ROOT / path))
        if (ROOT / f"examples/exercises/{name}.py").exists():
            links.insert(1, f"[Exercises](exercises/{name}.md)")
        parts.append(" · ".join(links))
        if (ROOT / f"docs/lessons/{name}.png").exists():
            parts.append(f"![What the lesson draws]({up}lessons/{name}.png)")
        if (ROOT / f"docs/lessons/{name}.mp3").exists():
            parts.append(
                f'<audio controls preload="metadata" src="{up}lessons/{name}.mp3"></audio>'
            )
    if "/solutions/" in path:
        parts.append(f"[The exercises](../exercises/{name}.md) of [the lesson](../{name}.md).")
    if "/exercises/" in path:
        parts.append(f"[The lesson](../{name}.md). Stuck? [The answers](../solutions/{name}.md).")
    parts.append(f'```python title="{path}" linenums="1"\n{text}```\n')
    return "\n\n".join(parts)


def on_files(files: Any, *, config: Any, **_: Any) -> Any:
    """Add a page for each script of the course, and the notebooks."""
    from mkdocs.structure.files import File

    for path, book in lessons().items():
        files.append(File.generated(config, path.removesuffix(".py") + ".ipynb", content=book))
    for path in scripts():
        page = script_page(path)
        files.append(File.generated(config, path.removesuffix(".py") + ".md", content=page))
    return files


def on_page_markdown(markdown: str, *, page: Any, **_: Any) -> str:
    """Insert source code, tables and lists of modules into a page, and redirect its links."""
    if page.file.src_path.startswith("examples/"):  # from `script_page`
        return markdown

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
        if (ROOT / "docs" / path).is_file():  # from a page of the reference to another page
            return match[0]
        if not (ROOT / path).exists():
            raise DocumentationError(f"{page.file.src_path}: there is no {path}")
        if path in scripts():
            return f"[{match['text']}]({path.removesuffix('.py')}.md)"
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
        display = "inline" if match[2] == "(" else "block"
        shown = convert(html.unescape(match[3]).strip(), display=display)
        shown = shown.replace(f"<mo>{NORM}</mo>", f'<mo stretchy="false">{NORM}</mo>')
        return shown if display == "inline" else f'<div class="formula">{shown}</div>'

    return FORMULA.sub(formula, content)


@event_priority(100)
def _before_search(context: Any, *, page: Any, **_: Any) -> None:
    """Take the listings out of a page of the reference: nobody searches for a line of code."""
    page.whole = page.content
    page.content = LISTING.sub("", page.content)


@event_priority(-100)
def _after_search(context: Any, *, page: Any, **_: Any) -> None:
    """Put them back."""
    page.content = page.whole


on_page_context = CombinedEvent(_before_search, _after_search)
