"""Who may send. On loopback any calling AE title; otherwise only listed PACS nodes.

An AE title is no proof of anybody (TLS certificates are); the address is compared as well where a
node is listed by its IP address.
"""

from __future__ import annotations

from ipaddress import ip_address

from triage.settings import PacsNode, Settings


def may_send(settings: Settings, calling_ae: str, address: str) -> bool:
    """Whether an association of this caller is accepted.

    Parameters
    ----------
    settings : Settings
    calling_ae : str
        As the caller names itself.
    address : str
        IP address of its end of the connection.
    """
    if settings.loopback_only:
        return True
    return any(_matches(node, calling_ae.strip(), address) for node in settings.pacs)


def quiet_s_of(settings: Settings, calling_ae: str) -> float:
    """Quiet time of a sender in s: its node's own, else the general one."""
    for node in settings.pacs:
        if node.ae_title.strip() == calling_ae:
            return node.quiet_s
    return settings.quiet_s


def _matches(node: PacsNode, calling_ae: str, address: str) -> bool:
    if node.ae_title.strip() != calling_ae:
        return False
    try:
        return ip_address(node.host) == ip_address(address)
    except ValueError:
        return True  # listed by name: names may stand for many addresses
