"""A key's life on the AWS SDK for Rust."""

import subprocess
from pathlib import Path

import pytest

from rig import life

ROOT = Path(__file__).parent.parent
MANIFEST = ROOT / "e2e/rust/Cargo.toml"
TARGET = ROOT / "target/e2e-rust"


@pytest.fixture(scope="session")
def rust_client() -> Path:
    """The client, built with the SDK as `Cargo.lock` pins it; the first time takes about a minute."""
    build = ["cargo", "build", "--locked", "--quiet", "--manifest-path", MANIFEST, "--target-dir", TARGET]
    done = subprocess.run(build, capture_output=True, text=True, timeout=1200)
    assert done.returncode == 0, done.stderr
    return TARGET / "debug/strongroom-e2e-life"


def test_the_rust_sdk_leads_a_keys_life(fresh_node, rust_client):
    told = life.lead(fresh_node, rust_client)
    assert told == life.expected(told)
