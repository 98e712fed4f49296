"""Which addresses a webhook may go to."""

from __future__ import annotations

import ipaddress
import socket

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# IPv4 inside IPv6 by translation (RFC 6052 and 8215): what looks public may lead into the private network.
_TRANSLATED = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("64:ff9b:1::/48"))


class PrivateAddress(Exception):
    """The name leads to an address that is not public."""


def resolve(host: str, port: int, *, allow_private: bool) -> str:
    """Return an address of the host; raises `PrivateAddress` if any of its addresses is not public.

    Connect to what is returned and not to the name: its owner may change it in between. Raises `OSError` if
    the name has no address.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [str(entry[4][0]) for entry in found]
    if not allow_private and (private := [text for text in addresses if not is_public(text)]):
        raise PrivateAddress(f"{host} leads to {private[0]}, which is not a public address")
    return addresses[0]


def is_public(text: str) -> bool:
    """Return whether an address is one of the public internet, whatever it is wrapped in."""
    address: Address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        if any(address in network for network in _TRANSLATED):
            return False
        address = address.ipv4_mapped or address.sixtofour or address
    return address.is_global and not address.is_multicast
