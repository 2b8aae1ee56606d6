# SPDX-License-Identifier: Apache-2.0
"""Numbers of the socket protocol of DMTF's SPDM emulator (EMU-001)."""

from __future__ import annotations

from enum import IntEnum

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 2323
CLIENT_HELLO = b"Client Hello!\0"
SERVER_HELLO = b"Server Hello!\0"


class Command(IntEnum):
    """What a frame is for."""

    NORMAL = 0x0001
    OOB_ENCAP_KEY_UPDATE = 0x8001
    OOB_ENCAP_ENDPOINT_INFO = 0x8002
    CONTINUE = 0xFFFD
    SHUTDOWN = 0xFFFE
    UNKNOWN = 0xFFFF
    TEST = 0xDEAD


class TransportType(IntEnum):
    """What the payload of a NORMAL frame is."""

    NONE = 0
    MCTP = 1
    PCI_DOE = 2
    TCP = 3


def command_name(command: int) -> str:
    """The name of a command, or its number."""
    known = command in Command.__members__.values()
    return Command(command).name if known else f"command {command:#x}"


def transport_name(transport: int) -> str:
    """The name of a transport type, or its number."""
    known = transport in TransportType.__members__.values()
    return TransportType(transport).name if known else f"transport type {transport:#x}"
