"""What an authenticator application does with a virtual MFA device's seed."""

import base64
import hashlib
import hmac
import struct
import time

STEP = 30
"""Seconds for which a code is shown (RFC 6238)."""


def step_now() -> int:
    """The number of the step that it is now."""
    return int(time.time()) // STEP


def code(seed: str | bytes, steps: int = 0) -> str:
    """The code that is shown now; with `steps`, that many steps later, or earlier."""
    return code_of(seed, step_now() + steps)


def code_of(seed: str | bytes, counter: int) -> str:
    """The code of a step."""
    tag = hmac.new(base64.b32decode(seed), struct.pack(">q", counter), hashlib.sha1).digest()
    offset = tag[-1] & 15
    return f"{(struct.unpack('>I', tag[offset : offset + 4])[0] & 0x7FFFFFFF) % 1_000_000:06}"


def enable(iam, user: str, device: str) -> tuple[str, str]:
    """Makes a virtual device and enables it for the user: its serial number and its seed.

    The codes of now and of the step before are used up; that of the step after is not.
    """
    made = iam.create_virtual_mfa_device(VirtualMFADeviceName=device)["VirtualMFADevice"]
    serial, seed = made["SerialNumber"], made["Base32StringSeed"]
    step = show_two_codes(iam.enable_mfa_device, user, serial, seed)
    # Where a step ended meanwhile, the server takes the device for one whose clock is late, and would not take the code
    # of the step after.
    while step != step_now():
        step = show_two_codes(iam.resync_mfa_device, user, serial, seed)
    return serial, seed


def show_two_codes(operation, user: str, serial: str, seed: str | bytes) -> int:
    """Shows a device's codes of now and of the step before; answers which step it was."""
    step = step_now()
    codes = {"AuthenticationCode1": code_of(seed, step - 1), "AuthenticationCode2": code_of(seed, step)}
    operation(UserName=user, SerialNumber=serial, **codes)
    return step
