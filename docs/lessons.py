"""Make the pictures and sounds of docs/course.md: run the lessons and keep what they make.

python docs/lessons.py                  writes docs/lessons/*.png and *.mp3; some minutes
python docs/lessons.py 16_drift ...     those of some lessons
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

DOCS = Path(__file__).parent


def keep(name: str, folder: Path, wanted: set[str]) -> None:
    """Copy what a lesson made from its output folder: pictures in few colours, sounds as MP3."""
    import soundfile
    from PIL import Image

    picture = Image.open(folder / f"{name}.png").convert("RGB")
    picture = picture.quantize(128, dither=Image.Dither.NONE)
    picture.save(DOCS / "lessons" / f"{name}.png", optimize=True)
    if f"{name}.mp3" in wanted:
        soundfile.write(DOCS / "lessons" / f"{name}.mp3", *soundfile.read(folder / f"{name}.wav"))


def main() -> None:
    """Run the lessons of the command line, or all that docs/course.md shows."""
    text = (DOCS / "course.md").read_text(encoding="utf-8")
    wanted = set(re.findall(r"lessons/(\w+\.(?:png|mp3))\b", text))
    names = sys.argv[1:] or sorted({name.split(".")[0] for name in wanted})
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            script = DOCS.parent / "examples" / f"{name}.py"
            subprocess.run([sys.executable, script, "--output", folder], check=True)
            keep(name, Path(folder), wanted)


if __name__ == "__main__":
    main()
