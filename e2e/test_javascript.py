"""A key's life on the AWS SDK for JavaScript, its paginators included."""

import shutil
import subprocess
from pathlib import Path

import pytest

from rig import life

FOLDER = Path(__file__).parent / "javascript"
OLDEST_NODE = 20
"""The oldest major version of Node.js that the SDK supports."""


@pytest.fixture(scope="session")
def javascript() -> Path:
    """Node.js, with the SDK as `package-lock.json` pins it."""
    interpreter = shutil.which("node")
    if interpreter is None:
        pytest.fail("no Node.js: make packages")
    version = subprocess.run([interpreter, "--version"], capture_output=True, text=True, check=True).stdout
    if int(version.lstrip("v").split(".")[0]) < OLDEST_NODE:
        pytest.skip(f"the SDK needs Node.js {OLDEST_NODE} or newer; this is {version.strip()}")
    # npm's own note of what it installed, written when all of it is there.
    installed, pinned = FOLDER / "node_modules/.package-lock.json", FOLDER / "package-lock.json"
    if not installed.is_file() or installed.stat().st_mtime < pinned.stat().st_mtime:
        install = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        done = subprocess.run(install, cwd=FOLDER, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
    return Path(interpreter)


def test_the_javascript_sdk_leads_a_keys_life(fresh_node, javascript):
    told = life.lead(fresh_node, javascript, FOLDER / "life.mjs")
    assert told == life.expected(told)
