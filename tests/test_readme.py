"""README and the pages behind it: commands have these options, scripts exist, figures agree.

The two original programs are run by test_owner_vae.py and test_owner_audio.py; test_package.py and
test_docs.py look at links and commands too.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from radio.cli.main import main

ROOT = Path(__file__).parent.parent
PAGES = ("commands", "quality", "original_programs", "performance")
README, COMMANDS, QUALITY, ORIGINAL, PERFORMANCE = (
    (ROOT / name).read_text(encoding="utf-8")
    for name in ("README.md", *(f"docs/{page}.md" for page in PAGES))
)
TEXT = "\n".join((README, COMMANDS, QUALITY))


def test_it_is_short_and_begins_with_a_sound_and_pictures() -> None:
    assert len(README.splitlines()) <= 120
    title, first, sound, recording, page, *_ = README.split("\n\n")
    assert title == "# AI Radio" and len(first.splitlines()) == 3
    assert "(docs/sounds/song.mp3)" in sound
    assert "(docs/session.gif)" in recording and 'src="docs/web-1440-light.png"' in page
    assert (ROOT / "docs" / "session.gif").stat().st_size < 1_500_000


def test_its_library_code_runs(capsys: pytest.CaptureFixture[str]) -> None:
    (block,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(block, "README.md", "exec"), names)
    assert names["states"].shape == (5, 3, 7) and names["dx"].shape == (5, 3, 4)
    assert "recurrent_weight" in (shown := capsys.readouterr().out) and "WRONG" not in shown


@pytest.mark.parametrize(
    "name, added",
    [("owner_vae", "\nsounds, names = audio.get_raw_data(5, 15, 1)\n"), ("owner_compression", "")],
)
def test_the_original_programs_are_those_of_the_examples(name: str, added: str) -> None:
    """They differ in the line that sets `sounds`, which the example has earlier."""
    text = (
        (ROOT / "examples" / f"{name}.py")
        .read_text(encoding="utf-8")
        .partition("# From here on it is the original text.\n\n")[2]
    )
    assert text
    blocks = [
        block.replace(added, "", 1) if added else block
        for block in re.findall(r"```python\n(.*?)```", ORIGINAL, re.DOTALL)
    ]
    assert text in blocks


def commands() -> list[tuple[str, list[str]]]:
    """Return each `ai-radio` command of the code blocks and tables, and the options it is given."""
    code = re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL) + re.findall(r"`([^`\n]+)`", TEXT)
    found = []
    for line in code:
        for call in re.findall(r"(?:^|bin/)ai-radio([^&\n]*)", line, re.MULTILINE):
            words = call.split()
            found.append(
                (
                    words[0] if words and not words[0].startswith("-") else "",
                    [word for word in words if word.startswith("--")],
                )
            )
    return found


def test_its_commands_take_their_options(capsys: pytest.CaptureFixture[str]) -> None:
    listed = commands()
    assert {"", "train", "play", "map", "compress"} <= {command for command, _ in listed}
    helps: dict[str, str] = {}
    for command, options in listed:
        if command not in helps:
            with pytest.raises(SystemExit) as ended:
                main([*command.split(), "--help"])
            helps[command], errors = capsys.readouterr()
            assert ended.value.code == 0, (command, errors)
        assert not [option for option in options if option not in helps[command]], command


def test_its_scripts_are_there_and_take_their_options() -> None:
    calls = re.findall(r"((?:benchmarks|examples)/\w+\.py)((?: --?[\w-]+(?: [\w]+)?)*)", TEXT)
    assert len(calls) > 8
    for path, options in calls:
        source = (ROOT / path).read_text(encoding="utf-8")
        assert not [
            option for option in re.findall(r"--[\w-]+", options) if option not in source
        ], path


def test_its_speeds_are_those_of_the_performance_page() -> None:
    row_pattern = r"\(S(\d)\) \| ([\d.]+) ms \| ([\d.]+)[^|]* \| ([\d.]+)"
    assert len(re.findall(row_pattern, README)) == 3
    rows = re.findall(row_pattern, TEXT)
    assert len(rows) == 3 + 4
    for size, *figures in rows:
        row = re.search(rf"^\| S{size} GRU \|.*$", PERFORMANCE, re.MULTILINE)
        assert row, size
        cells = [cell.strip() for cell in row[0].split("|")[2:]]
        middle = [(re.search(r"\*\*([\d.]+)\*\*", cell) or [None, cell])[1] for cell in cells]
        assert figures == [middle[0], middle[3], middle[4]], (
            f"row S{size} of README.md or docs/quality.md differs from docs/performance.md"
        )


def test_its_map_names_every_folder() -> None:
    done = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    names = (
        {line.split("/")[0] for line in done.stdout.split() if "/" in line}
        if done.returncode == 0
        else set()
    )
    folders = {name for name in names if not name.startswith(".")} or {
        path.parent.name for path in ROOT.glob("*/__init__.py")
    }
    assert not [name for name in folders if f"[`{name}/`]({name})" not in README]


@pytest.mark.slow
def test_its_taste_is_what_the_lesson_measures(tmp_path: Path) -> None:
    command = [sys.executable, ROOT / "examples" / "12_taste.py", "--output", tmp_path]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    correlation, liking = (
        re.search(r"after 20 ratings \| ([\d.]+)", QUALITY),
        re.search(r"of random songs \| ([\d.]+); (-?[\d.]+)", QUALITY),
    )
    assert correlation and liking
    last = re.search(r"^  20 .* ([+-][\d.]+)$", printed, re.MULTILINE)
    means = re.search(r"random song ([+-][\d.]+), .* ten ([+-][\d.]+)", printed)
    assert last and means
    assert float(last[1]) == pytest.approx(float(correlation[1]), abs=0.03)
    assert float(means[2]) == pytest.approx(float(liking[1]), abs=0.05)
    assert float(means[1]) == pytest.approx(float(liking[2]), abs=0.1)
