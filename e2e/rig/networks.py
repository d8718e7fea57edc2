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
        for _ in NUMBERS:
            number = NUMBERS[next(TURN) % len(NUMBERS)]
            claim = socket.socket(socket.AF_UNIX)
            try:
                claim.bind(f"\0strongroom-e2e-network-{number}")
            except OSError:
                claim.close()
                continue
            self.claim, self.cidr = claim, f"127.{number}.0.0/16"
            return
        raise RuntimeError("every network of this machine is taken by other servers of tests")

    def give_back(self):
        self.claim.close()
