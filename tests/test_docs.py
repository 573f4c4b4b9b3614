"""The documentation builds without a warning, works offline, and its examples run."""

from __future__ import annotations

import doctest
import functools
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

import pytest
from web_browser import chromium

__all__ = ["chromium"]
ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built pages; a warning is an error, such as a broken link or a missing function."""
    folder = tmp_path_factory.mktemp("site")
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1", "PYTHONPATH": str(ROOT)}
    command = [
        sys.executable,
        "-m",
        "mkdocs",
        "build",
        "--strict",
        "--quiet",
        "--site-dir",
        str(folder),
    ]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=170
    )
    assert done.returncode == 0 and "WARNING" not in done.stderr, done.stdout + done.stderr
    return folder


def test_every_page_is_built_and_complete(site: Path) -> None:
    pages = {path.relative_to(DOCS).with_suffix("") for path in DOCS.rglob("*.md")}
    folders = ("examples", "examples/exercises", "examples/solutions")
    scripts = {path for folder in folders for path in (ROOT / folder).glob("*.py")}
    pages |= {path.relative_to(ROOT).with_suffix("") for path in scripts}
    pages -= {*(Path("examples") / name for name in ("lesson", "check", "notebooks"))}
    assert pages == {path.relative_to(site).with_suffix("") for path in site.rglob("*.html")} - {
        Path("404")
    }
    for path in site.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"\[(source|modules|speed):", text) and "arithmatex" not in text, path
        opening = re.search(r"</h1>\s*<p>", text)
        assert opening or path.name == "404.html", f"{path.name} does not open with what it is for"
        for target in re.findall(r'<(?:audio|img|link|script)[^>]+(?:src|href)="([^"#?]+)', text):
            assert "://" not in target, f"{path.name} needs the network for {target}"
            assert (
                target.startswith("data:")
                or (path.parent / target).exists()
                or path.name == "404.html"
            ), f"{path.name}: {target}"


def test_code_formulas_and_reference_are_in_the_pages(site: Path) -> None:
    gru = (site / "gru.html").read_text(encoding="utf-8")
    plain = re.sub(r"<[^>]+>", "", gru)
    assert "dn = dh * (one - z) * (one - n * n)" in plain, "the equation as it stands in the kernel"
    assert gru.count("<math") > 10
    reference = (site / "reference" / "gan.html").read_text(encoding="utf-8")
    assert 'id="gan.losses.hinge"' in reference and 'id="gan.descent.descend"' in reference
    assert "Source code in" in reference
    index = json.loads((site / "search" / "search_index.json").read_text(encoding="utf-8"))
    text = {entry["location"]: entry["text"] for entry in index["docs"]}
    assert "Lim and Ye 2017" in text["reference/gan.html#gan.losses.hinge"]
    assert not any("Source code in" in each for each in text.values()), "listings are not searched"


PHONE = {"width": 390, "height": 844}
# What lies right of a phone's screen and in no box that scrolls to it, a table being such a box;
# pictures and sounds that don't load, and formulas that are empty or still TeX.
FAULTS = """async () => {
    const width = document.documentElement.clientWidth, found = [];
    if (document.documentElement.scrollWidth > width) found.push("the page");
    const kinds = "p, li, h1, h2, h3, img, audio, pre, table, math";
    for (const each of document.querySelectorAll(`.md-content :is(${kinds})`)) {
        let box = each;
        while (box && box.tagName != "ARTICLE" && !(getComputedStyle(box).overflowX == "auto"
            && box.getBoundingClientRect().right <= width + 1)) box = box.parentElement;
        if (box?.tagName == "ARTICLE" && each.getBoundingClientRect().right > width + 1)
            found.push(each.tagName + " " + each.textContent.trim().slice(0, 40));
    }
    for (const image of document.images) {
        try { await image.decode(); } catch { found.push("no picture " + image.src); }
    }
    for (const sound of document.querySelectorAll("audio")) {
        if (!sound.readyState && !sound.error) await new Promise((known) => {
            sound.onloadedmetadata = sound.onerror = known; sound.load(); });
        if (sound.error) found.push("no sound " + sound.src);
    }
    for (const formula of document.querySelectorAll("math"))
        if (!formula.getBoundingClientRect().width) found.push("empty " + formula.textContent);
    const words = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (words.nextNode()) {
        const text = words.currentNode.textContent;
        if (!words.currentNode.parentElement.closest("code, pre, script, style, annotation")
            && /\\\\[a-zA-Z(\\[]|\\$[^$ ]+\\$/.test(text)) found.push("TeX " + text.slice(0, 40));
    }
    return found;
}"""


def faults(path: Path, page: Any) -> list[str]:
    """Return what is wrong with a built page, and its dead links."""
    found: list[str] = []
    listeners = {
        "pageerror": lambda error: found.append(f"error {error}"),
        "console": lambda line: found.append(line.text) if line.type == "error" else None,
        # a sound is given up as soon as its length is known
        "requestfailed": lambda request: (
            found.append(f"not loaded {request.url}") if "ABORTED" not in request.failure else None
        ),
    }
    for event, listener in listeners.items():
        page.on(event, listener)
    page.goto(path.as_uri(), timeout=120_000)  # pages of the reference are large
    found += page.evaluate(FAULTS)
    links = page.eval_on_selector_all("a[href]", "all => all.map(each => each.href)")
    for event, listener in listeners.items():
        page.remove_listener(event, listener)
    found += [f"dead link {link}" for link in sorted(set(links)) if not alive(link)]
    return [f"{path.name}: {each}" for each in found]


@functools.cache
def places(path: Path) -> set[str]:
    """Return the names of the places in a built page that links lead to."""
    return set(re.findall(r'\sid="([^"]+)"', path.read_text(encoding="utf-8")))


def alive(link: str) -> bool:
    """Return whether a link leads to a file, and to a place in it; other sites are not asked."""
    parts = urlsplit(link)
    if parts.scheme != "file":
        return parts.scheme == "https"
    path = Path(url2pathname(parts.path))
    if not path.is_file():
        return False
    return not parts.fragment or unquote(parts.fragment) in places(path)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_pages_are_whole_on_a_phone(site: Path, chromium: Any) -> None:
    page = chromium.new_page(viewport=PHONE)
    pages = sorted(path for path in site.rglob("*.html") if path.name != "404.html")
    assert not [fault for path in pages for fault in faults(path, page)]


@pytest.mark.slow
def test_the_browser_finds_what_is_wrong_with_a_page(tmp_path: Path, chromium: Any) -> None:
    wrong = tmp_path / "wrong.html"
    wrong.write_text(
        "<div class='md-content'><article><p style='width: 500px'>far</p><p>$x_1$</p><p>\\(y\\)</p>"
        "<math></math><img src=gone.png><audio src=gone.mp3></audio>"
        "<a href='#gone'>a</a><a href='gone.html'>b</a>"
        "<script>console.error('said'); throw Error('thrown')</script>"
    )
    page = chromium.new_page(viewport=PHONE)
    found = [each.removeprefix("wrong.html: ") for each in faults(wrong, page)]
    signs = ("the page", "P far", "TeX $x_1$", "TeX \\(y", "empty ", "no picture", "no sound")
    for sign in (*signs, "not loaded", "said", "error thrown"):
        assert any(each.startswith(sign) for each in found), (sign, found)
    assert sum(each.startswith("dead link") for each in found) == 2


def test_a_missing_function_fails_the_build() -> None:
    sys.path.insert(0, str(DOCS))
    try:
        import hooks
    finally:
        sys.path.remove(str(DOCS))

    class Page:
        class file:
            src_path = "page.md"

    gone = [
        "[source: gan/losses.py::nothing](../gan/losses.py)",
        "[source: gan/nothing.py](../gan/nothing.py)",
    ]
    gone += ["[speed: S9 GRU](performance.md)", "[x](../nothing.md)"]
    for line in gone:
        with pytest.raises(hooks.DocumentationError, match="page.md"):
            hooks.on_page_markdown(line, page=Page)
    row = hooks.on_page_markdown("[speed: S2 LSTM](performance.md)", page=Page).splitlines()
    assert len(row) == 3 and "this library" in row[0] and row[2].startswith("| S2 LSTM | ")
    assert "def hinge" in hooks.on_page_markdown(
        "[source: gan/losses.py::hinge](../gan/losses.py)", page=Page
    )
    assert (
        hooks.on_page_markdown("see [it](../gan/losses.py)", page=Page)
        == "see [it](reference/gan.md#gan.losses)"
    )
    link = hooks.on_page_markdown("see [it](../examples/01_neuron.py)", page=Page)
    assert link == "see [it](examples/01_neuron.md)"


@pytest.mark.parametrize("path", sorted(DOCS.glob("*.md")), ids=lambda path: path.stem)
def test_gradient_checks_of_the_pages_pass(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = path.read_text(encoding="utf-8")
    for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
        if "check_gradients" in block:
            exec(compile(block, str(path), "exec"), {})
            assert "recurrent_weight" in (shown := capsys.readouterr().out) and "WRONG" not in shown
            for table in re.findall(r"```text\n( .*?)\n```", text, re.DOTALL):
                # the error itself is rounding, which differs between machines
                kept = [line.split()[:3] for line in table.splitlines()[1:]]
                assert kept == [line.split()[:3] for line in shown.splitlines()[1:]]


@pytest.mark.parametrize(
    "path", [path for path in sorted(DOCS.glob("*.md")) if "```pycon" in path.read_text("utf-8")]
)
def test_sessions_of_the_pages_run(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    examples = "\n".join(re.findall(r"```pycon\n(.*?)```", text, re.DOTALL))
    test = doctest.DocTestParser().get_doctest(examples, {}, path.name, None, 0)
    said: list[str] = []
    assert doctest.DocTestRunner().run(test, out=said.append).failed == 0, "".join(said)
    assert len(test.examples) > 5


def test_there_are_ten_questions() -> None:
    text = (DOCS / "backprop_questions.md").read_text(encoding="utf-8")
    numbers = re.findall(r"^## (\d+)\. .*\n(?:(?!## ).*\n)*?```pycon", text, re.MULTILINE)
    assert numbers == [str(number) for number in range(1, 11)], "each has an answer that runs"


def test_files_named_by_pages_exist() -> None:
    pages = [*DOCS.glob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
    text = "\n".join(page.read_text(encoding="utf-8") for page in pages)
    folders = "tests|benchmarks|examples|docs|radio|gan|compression|neural_networks|audio_parsing"
    named = set(re.findall(rf"(?<![\w/])(?:{folders})/[\w/]+\.py", text))
    assert len(named) > 20
    assert not [name for name in named if not (ROOT / name).exists()]


def test_links_of_files_at_the_root_lead_to_files() -> None:
    for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md"):
        text = re.sub(r"`[^`\n]+`", "", (ROOT / name).read_text(encoding="utf-8"))
        targets = [
            target.split("#")[0]
            for target in re.findall(r"\]\(([^)\s]+)\)", text)
            if "://" not in target
        ]
        assert not [target for target in targets if target and not (ROOT / target).exists()], name
