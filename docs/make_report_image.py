"""Draw docs/images/report.png: the report on captures/demo.pcap in Debian's chromium.

    python docs/make_report_image.py
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
BROWSER = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
           "--disable-background-networking", "--window-size=1200,1500"]  # fmt: skip


def main() -> None:
    """Write the picture."""
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "report.html"
        subprocess.run(
            [sys.executable, "-m", "sensor", "report", "captures/demo.pcap", "-q", "-o", str(page),
             "--case", "The orchard's hall", "--examiner", "R. Ito"], cwd=ROOT, check=True)
        subprocess.run(
            [*BROWSER, f"--user-data-dir={folder}/profile",
             f"--screenshot={ROOT / 'docs/images/report.png'}", page.as_uri()], check=True)


if __name__ == "__main__":
    main()
