"""Ask pip-audit for known vulnerabilities in the project's dependencies; fail if there are any.

    python .ci/audit.py PYTHON

Where the advisories can't be reached, or know nothing of these packages, it says so and does not
fail: that is no fault of the project.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

SECONDS = 180
TOOLS = {"pip", "setuptools", "wheel"}  # come with the machine's Python, not with the project


def main(python: str) -> int:
    """Return 1 if there are known vulnerabilities."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "audit.json"
        command = [
            python,
            "-m",
            "pip_audit",
            "--format",
            "json",
            "--output",
            str(report),
            "--progress-spinner",
            "off",
        ]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)
            dependencies = json.loads(report.read_text("utf-8"))["dependencies"]
        except (OSError, ValueError, KeyError, subprocess.TimeoutExpired) as error:
            why = (
                type(error).__name__
                if isinstance(error, subprocess.TimeoutExpired)
                else done.stderr.strip().splitlines()[-1:]
            )
            print(f"ci: pip-audit could not ask for vulnerabilities ({why}); going on without")
            return 0
    asked = [one for one in dependencies if "skip_reason" not in one and one["name"] not in TOOLS]
    found = [(one, fault) for one in asked for fault in one["vulns"]]
    for one, fault in found:
        fixed = ", ".join(fault["fix_versions"]) or "no version yet"
        print(
            f"ci: {one['name']} {one['version']} has the vulnerability {fault['id']};"
            f" fixed in {fixed}"
        )
    print(
        f"ci: pip-audit knows {len(asked)} of {len(dependencies)} packages,"
        f" and {len(found)} vulnerabilities in them"
    )
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
