"""Ports for tests: free ones that nothing else takes in the meantime."""

from __future__ import annotations

import random
import socket
from pathlib import Path

_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
_LOWEST, _TRIES = 15_000, 1000


def free_port() -> int:
    """A port of loopback that nobody listens on.

    It lies below those that the system hands out by itself (ip(7)): between this look and the
    server's own, no outgoing connection of this machine can take it.
    """
    first_handed_out = int(_RANGE.read_text().split()[0])
    for _ in range(_TRIES):
        port = random.SystemRandom().randrange(_LOWEST, first_handed_out)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("no free port")
