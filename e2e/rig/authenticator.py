"""What an authenticator application does with a virtual MFA device's seed."""

import base64
import hashlib
import hmac
import struct
import time

STEP = 30
"""Seconds for which a code is shown (RFC 6238)."""


def code(seed: str | bytes, steps: int = 0) -> str:
    """The code that is shown now; with `steps`, that many steps later, or earlier."""
    counter = int(time.time()) // STEP + steps
    tag = hmac.new(base64.b32decode(seed), struct.pack(">q", counter), hashlib.sha1).digest()
    offset = tag[-1] & 15
    return f"{(struct.unpack('>I', tag[offset : offset + 4])[0] & 0x7FFFFFFF) % 1_000_000:06}"


def enable(iam, user: str, device: str) -> tuple[str, str]:
    """Makes a virtual device and enables it for the user: its serial number and its seed.

    The codes of now and of the step before are used up; that of the step after is not.
    """
    made = iam.create_virtual_mfa_device(VirtualMFADeviceName=device)["VirtualMFADevice"]
    serial, seed = made["SerialNumber"], made["Base32StringSeed"]
    codes = {"AuthenticationCode1": code(seed, -1), "AuthenticationCode2": code(seed)}
    iam.enable_mfa_device(UserName=user, SerialNumber=serial, **codes)
    return serial, seed
