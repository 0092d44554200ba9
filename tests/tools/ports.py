"""Ports for tests: free, below those that the kernel gives to outgoing connections, and given to no other test while
this one runs, whether or not anybody listens there just now."""
import random
import socket

_claims = []


def _claim(port):
    """The name that stands for the port in the abstract namespace, which ends with the process; None: it is taken."""
    claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        claim.bind(f"\0kanhe-test-port-{port}")
        with socket.socket() as s:
            s.bind(("127.0.0.1", port))
    except OSError:
        claim.close()
        return None
    return claim


def free_ports(n):
    """The first of n in a row."""
    while True:
        first = random.randrange(12000, 32000)
        claims = [_claim(first + i) for i in range(n)]
        if all(claims):
            _claims.extend(claims)
            return first
        for c in claims:
            if c:
                c.close()


def free_port():
    return free_ports(1)
