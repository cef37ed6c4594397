"""The data page is true: every file that must not change is listed with its SHA-256."""

import hashlib
import re
from pathlib import Path

DATA = Path(__file__).parents[1] / "data"


def test_checksums_of_the_data_page():
    rows = re.findall(
        r"^\| `([^`]+)` \|.*\| `([0-9a-f]{64})` \|$", (DATA / "README.md").read_text(), re.MULTILINE
    )
    patterns = ("formats/*", "known_answers/*", "published/*.csv")
    fixed = [p for pattern in patterns for p in DATA.glob(pattern)]
    files = {str(p.relative_to(DATA)): hashlib.sha256(p.read_bytes()).hexdigest() for p in fixed}
    assert dict(rows) == files
