"""The `openssl` command line, as whoever checks KMS's work without KMS."""

import subprocess
from pathlib import Path


def run(*arguments: object, stdin: bytes = b"") -> bytes:
    """Runs a command that must succeed, and answers what it prints."""
    done = subprocess.run(["openssl", *map(str, arguments)], input=stdin, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, f"{arguments}: {done.stderr.decode()}"
    return done.stdout


def verifies(folder: Path, public_key: bytes, signature: bytes, message: bytes, *options: object) -> bool:
    """Whether a signature of a message is right, by a DER public key; options as `openssl dgst` has them."""
    files = {"key.der": public_key, "signature": signature, "message": message}
    for name, content in files.items():
        (folder / name).write_bytes(content)
    command = ["openssl", "dgst", *map(str, options), "-verify", folder / "key.der", "-keyform", "DER"]
    command += ["-signature", folder / "signature", folder / "message"]
    done = subprocess.run(command, capture_output=True, timeout=60, check=False)
    # It tells a wrong signature by its exit status, and other mistakes in other words.
    assert b"Verified OK" in done.stdout or b"erification failure" in done.stdout, done.stderr.decode()
    return done.returncode == 0
