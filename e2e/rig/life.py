"""One life of a key, led by several clients that must tell the same of it.

Each client is a program of its own: it finds the server and its credential in the environment, leads the life and
prints what it saw as one JSON document. Those programs differ in nothing but the client:

- `clients/life.py`, boto3
- `javascript/life.mjs`, the AWS SDK for JavaScript
- `rust/src/main.rs`, the AWS SDK for Rust

The key is made, tagged and described; it rotates by itself while the server's clock moves by 91 days, and once more on
demand; it is disabled and enabled; it loses one alias to a second key; it is deleted, saved, and deleted for good.
"""

import json
import os
import re
import subprocess
from pathlib import Path

from rig.expected import FOREIGN_CIPHERTEXT
from rig.node import Node

KEY_ARN = re.compile(r"arn:aws:kms:us-east-1:000000000000:key/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
MATERIAL = re.compile(r"[0-9a-f]{64}")


def environment(node: Node, access_key_id: str = "test") -> dict[str, str]:
    """What a client finds the server and its credential in, and nothing of the machine's."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": "/nonexistent",
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_MAX_ATTEMPTS": "1",
        "AWS_ENDPOINT_URL": node.endpoint,
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": access_key_id,
        "AWS_SECRET_ACCESS_KEY": "test",
        "NO_PROXY": "*",
    }


def lead(node: Node, *command: str | Path) -> dict:
    """Runs a client that leads the life, and answers what it tells."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, env=environment(node))
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return json.loads(done.stdout)


def expected(told: dict) -> dict:
    """What every client must tell, for the keys and the materials that this one tells of."""
    key, second = told["keys"]
    assert KEY_ARN.fullmatch(key), key
    assert KEY_ARN.fullmatch(second), second
    first_material, rotated, on_demand = told["materials"]
    assert all(MATERIAL.fullmatch(material) for material in told["materials"])
    assert len(set(told["materials"])) == 3, "each rotation brings new material"

    return {
        "keys": [key, second],
        "listed": sorted([key, second]),
        "materials": [first_material, rotated, on_demand],
        "described": ["Enabled", "letters"],
        "tags": {"team": "red", "stage": "test"},
        "policies": ["default"],
        "rotation": [True, 90],
        "rotations": [["AUTOMATIC", rotated], ["ON_DEMAND", on_demand]],
        "current": on_demand,
        "opened": {"before rotation": "a letter", "after rotation": "a reply", "moved": "a letter"},
        "sizes": {"data key": 32, "random": 24},
        "last_usage": "Decrypt",
        "alias_leads_to": second,
        "states": ["Disabled", "Enabled", "PendingDeletion", "Disabled", "PendingDeletion"],
        "aliases_left": ["alias/post"],
        "refusals": {
            "disabled": ["DisabledException", f"{key} is disabled."],
            "pending": ["KMSInvalidStateException", f"{key} is pending deletion."],
            "gone": ["NotFoundException", f"Key '{key}' does not exist"],
            "ciphertext": ["AccessDeniedException", FOREIGN_CIPHERTEXT],
        },
    }
