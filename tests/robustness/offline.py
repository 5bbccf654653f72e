"""A watchman for tests: while armed, this process may talk to itself and to nobody else."""

from __future__ import annotations

import ipaddress
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_WATCHED = ("socket.connect", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo", "socket.gethostbyname")
_armed: list[list[str]] = []
_installed: list[bool] = []


@contextmanager
def offline() -> Iterator[list[str]]:
    """Refuse every connection but those over loopback or within the machine; yields what was refused."""
    if not _installed:
        sys.addaudithook(_hook)  # cannot be taken away again
        _installed.append(True)
    refused: list[str] = []
    _armed.append(refused)
    try:
        yield refused
    finally:
        _armed.remove(refused)


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if not _armed or event not in _WATCHED:
        return
    place = arguments[0] if event.startswith("socket.get") else arguments[-1]
    if not _is_local(place):
        for refused in _armed:
            refused.append(f"{event} {place!r}")
        raise ConnectionRefusedError(f"a test forbids the network: {event} {place!r}")


def _is_local(place: Any) -> bool:
    """Whether an address is a path, this machine, or nothing at all."""
    if isinstance(place, tuple) and place:
        place = place[0]
    if not isinstance(place, str):  # bytes are paths of sockets within the machine
        return True
    if place in ("", "localhost") or "/" in place:
        return True
    try:
        return ipaddress.ip_address(place).is_loopback
    except ValueError:
        return False
