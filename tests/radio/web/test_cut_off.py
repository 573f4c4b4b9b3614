"""A page that was cut off for long plays on: its scripts, in the Node.js of Playwright."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


def test_a_page_that_was_cut_off_plays_on(tmp_path: Path) -> None:
    driver = pytest.importorskip("playwright._impl._driver", reason="the extra `test`")
    for name in ("sound.js", "link.js", "live.js", "reactive.js"):
        shutil.copy(ROOT / "radio/web/static" / name, tmp_path)
    script = shutil.copy(ROOT / "tests/support/cut_off.mjs", tmp_path)
    (tmp_path / "package.json").write_text('{"type": "module"}')
    node, _ = driver.compute_driver_executable()
    done = subprocess.run([node, script], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
