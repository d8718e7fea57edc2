"""Addresses of HSMs: each server has a network of this machine for itself, beside other runs of these tests too.

An HSM's address looks free until its cluster has a certificate: two servers on one network could choose the same.
"""

import itertools
import os
import socket

NUMBERS = range(128, 250)
"""What the networks differ in: 127.128.0.0/16 and so on."""

TURN = itertools.count(os.getpid())
"""Networks are taken in turn: one that was given back is not taken again at once, while its HSMs may still end."""


class Network:
    """A network that nobody else takes until it is given back, or this process ends."""

    def __init__(self):
        self._held: socket.socket | None = None
        for _ in NUMBERS:
            self.number = NUMBERS[next(TURN) % len(NUMBERS)]
            if self.claim():
                return
        raise RuntimeError("every network of this machine is taken by other servers of tests")

    @property
    def cidr(self) -> str:
        return f"127.{self.number}.0.0/16"

    def claim(self) -> bool:
        """Takes it (again); answers whether it is this one's now, and nobody else's."""
        if self._held is None:
            held = socket.socket(socket.AF_UNIX)
            try:
                held.bind(f"\0strongroom-e2e-network-{self.number}")
            except OSError:
                held.close()
                return False
            self._held = held
        return True

    def give_back(self):
        if self._held is not None:
            self._held.close()
            self._held = None
