"""A key's life on boto3, as it is and as it was one minor version earlier."""

import subprocess
import sys
from pathlib import Path

import pytest

from rig import life

LIFE = Path(__file__).parent / "clients/life.py"
PREVIOUS = Path(__file__).parent.parent / ".venv/e2e-previous"


@pytest.fixture(params=["1.44", "1.43"])
def python(request) -> Path:
    """An interpreter whose boto3 is of that minor version."""
    interpreter = Path(sys.executable) if request.param == "1.44" else PREVIOUS / "bin/python"
    if not interpreter.is_file():
        pytest.fail(f"no environment in {PREVIOUS}: make .venv/e2e-previous/ready")
    asked = [interpreter, "-c", "import boto3; print(boto3.__version__)"]
    version = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
    assert version.startswith(f"{request.param}."), version
    return interpreter


def test_boto3_leads_a_keys_life(fresh_node, python):
    told = life.lead(fresh_node, python, LIFE)
    assert told == life.expected(told)
