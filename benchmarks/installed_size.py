"""Megabytes that `pip install .` puts on a disk, by package, compiled bytes included.

python benchmarks/installed_size.py     in an environment with the packages of setup.py
"""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

ROOT = Path(__file__).parent.parent
NAME = re.compile(r"[A-Za-z0-9._-]+")


def needed(names: list[str]) -> dict[str, int]:
    """Return the bytes of packages, and of what they need without their extras."""
    found: dict[str, int] = {}
    waiting = list(names)
    while waiting:
        name = waiting.pop().lower().replace("_", "-")
        try:
            package = distribution(name)
        except PackageNotFoundError:
            continue  # for another system or Python
        if name in found:
            continue
        files = [Path(str(package.locate_file(file))) for file in package.files or ()]
        found[name] = sum(file.stat().st_size for file in files if file.is_file())
        wanted = [one for one in package.requires or () if "extra ==" not in one]
        waiting += [match[0] for one in wanted if (match := NAME.match(one))]
    return found


def main() -> None:
    """Print the table."""
    text = (ROOT / "setup.py").read_text("utf-8")
    listed = text[text.index("install_requires") : text.index("extras_require")]
    sizes = needed(re.findall(r'"([A-Za-z0-9-]+)>=', listed))
    own = [ROOT / name for name in ("neural_networks", "audio_parsing", "compression", "gan")]
    files = [file for folder in (*own, ROOT / "radio") for file in folder.rglob("*")]
    ours = [file for file in files if file.suffix in (".py", ".pyi", ".npz", ".json", ".js")]
    sizes["ai-radio"] = sum(file.stat().st_size for file in ours)
    for name, size in sorted(sizes.items(), key=lambda item: -item[1]):
        print(f"{size / 1e6:8.1f} MB  {name}")
    print(f"{sum(sizes.values()) / 1e6:8.1f} MB  together")


if __name__ == "__main__":
    main()
