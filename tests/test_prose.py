"""Prose says a thing by its standard name: retired words are in no docstring, text or page."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGES = ("neural_networks", "audio_parsing", "compression", "gan", "radio")
FORMATS = {"added layers"}  # in files that listeners have, from before it was called an adapter
ORIGINAL = "docs/original_programs.md"  # introduces the owner of the project

# A regular expression, in which a space is any white space, and what to write instead.
RETIRED = {
    r"songs? of points?": "a decoder maps points to songs",
    r"the owner('s)?": "the name of the thing: `Recurrent`, sum of variances, original program",
    r"(of )?ours": "AI Radio, this library",
    r"added layers?": "adapter",
    r"(?-i:RadioSession|RemoteSession|Broadcast|AddedLayers)": "Composer, Session, Adapter",
    r"learners?('s)?": "composer, or its process",
    r"programmes?": "session",
    r"obey(s|ed)?": "execute a command",
    r"(a|an|the|each|every|both|all|several|two|three) faces?": "user interface",
    r"(taking|takes?|took) up where": "resume",
    r"(go(es)?|going|went) on (where|from where|with it|to the same)": "resume",
    r"(the|a|its|this|with|without|whose) finish": "calibration",
    r"performers?": "the adversarial training",
    r"(the|two|both|its) halves": "pieces of a mini-batch",
    r"half of (a|the) mini-batch": "piece of a mini-batch",
    r"the (bend|heads)|lets? .{1,30} bend": "quadratic features, layers",
    r"(critics?|tastes?|networks?|sessions?|radio) hears?": "the input or the features",
    r"(never|not|been|be|are|is|was|were) heard": "played, measured, seen",
    r"heard of (it|you|them)": "know",
    r"(said|told|says|tells) of": "ratings of, gradient of, report",
    r"what (is|was|were|one|a \w+) (says?|said|told)": "ratings, report",
    r"(learned|learns|expects?|expected|knows?|known) of (you|a listener|the listener)": (
        "learned from you, predicted for you"
    ),
    r"says nothing": "has no effect, stays unrated",
    r"what (is|was) kept": "what is stored, chosen, or survives",
    r"(songs that|what) comes? back": "reconstruction",
    r"made songs": "generated songs",
    r"other ears|ears of": "features of the critic",
    r"stands? (in|at|behind|beside|among)": "is in, follows, is beside",
    r"process of (its|their) own": "a separate process",
    r"(station|system)'s own": "reset, system default",
    r"like a middle best|middle best": "prefers a middle value",
}
PATTERNS = {
    re.compile(r"\b(?:" + words.replace(" ", r"\s+") + r")(?!\w)", re.IGNORECASE): instead
    for words, instead in RETIRED.items()
}


def texts(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the first line and the text of each string and comment of a module, or a whole page."""
    source = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        yield 1, source
        return
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
            if node.value not in FORMATS:
                yield node.lineno, node.value
    first, block = 0, ""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            first, block = first or token.start[0], block + token.string.lstrip("# ") + "\n"
        elif token.type not in (tokenize.NL, tokenize.NEWLINE) and block:
            yield first, block
            first, block = 0, ""
    yield first, block


def faults(path: Path) -> list[str]:
    """Return every retired word of a file, with its line and what to write instead."""
    name = path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else path.name
    found = set()
    for first, text in texts(path):
        for pattern, instead in PATTERNS.items():
            for match in pattern.finditer(text):
                if name == ORIGINAL and "owner" in match[0]:
                    continue
                line = first + text.count("\n", 0, match.start())
                found.add((line, f"{name}:{line}: {' '.join(match[0].split())!r} ({instead})"))
    return [message for _, message in sorted(found)]


def report(paths: list[Path]) -> None:
    assert paths
    found = [fault for path in paths for fault in faults(path)]
    assert not found, "\n".join([f"{len(found)} retired words", *found])


def test_the_test_finds_faults(tmp_path: Path) -> None:
    page, module = tmp_path / "page.md", tmp_path / "module.py"
    page.write_text("A session\nof a recipe said\nof it, with `added_layers`.", encoding="utf-8")
    assert [fault.split(" (")[0] for fault in faults(page)] == ["page.md:2: 'said of'"]
    module.write_text('"""Right.\n\nThe owner\'s cell.\n"""\n\nx = 1  # added\n# layers\n')
    assert [fault.split(": ")[0] for fault in faults(module)] == ["module.py:3", "module.py:6"]


def test_documents_have_no_retired_words() -> None:
    report([*ROOT.glob("*.md"), *sorted((ROOT / "docs").rglob("*.md"))])


def test_packages_have_no_retired_words() -> None:
    folders = [ROOT / package for package in PACKAGES]
    paths = [path for folder in folders for path in sorted(folder.rglob("*.py"))]
    report([*paths, *sorted((ROOT / "radio" / "web" / "static").glob("*.js"))])
