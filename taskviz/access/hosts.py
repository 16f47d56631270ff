"""Host names: which are this machine's alone, and under which it is reached by others."""

import ipaddress
import socket

import psutil


def is_local(host: str) -> bool:
    """True for an address that only this machine can reach."""
    if host.lower().rstrip(".") == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


LOCAL_NAMES = ("localhost", "127.0.0.1", "::1")


def own_names() -> list[str]:
    """Names and addresses of this machine, which no page elsewhere can take for its own."""
    names = [socket.gethostname(), socket.getfqdn()]
    for addresses in psutil.net_if_addrs().values():
        names += [
            address.address.partition("%")[0]
            for address in addresses
            if address.family in (socket.AF_INET, socket.AF_INET6)
        ]
    return list(dict.fromkeys(name.lower() for name in names if name and "*" not in name))
