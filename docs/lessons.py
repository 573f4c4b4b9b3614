"""Make the pictures of docs/course.md: run the lessons and keep what they draw, in few colours.

python docs/lessons.py           writes docs/lessons/*.png; two minutes
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

DOCS = Path(__file__).parent


def main() -> None:
    """Run every lesson that docs/course.md shows a picture of."""
    from PIL import Image

    with tempfile.TemporaryDirectory() as folder:
        for name in re.findall(
            r"\(lessons/(\w+)\.png\)", (DOCS / "course.md").read_text(encoding="utf-8")
        ):
            subprocess.run(
                [sys.executable, DOCS.parent / "examples" / f"{name}.py", "--output", folder],
                check=True,
            )
            picture = (
                Image.open(Path(folder) / f"{name}.png")
                .convert("RGB")
                .quantize(128, dither=Image.Dither.NONE)
            )
            picture.save(DOCS / "lessons" / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()
