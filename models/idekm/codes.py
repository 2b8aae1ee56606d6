# SPDX-License-Identifier: Apache-2.0
"""Numbers of the IDE key management protocol (IDEKM-KP-003)."""

from __future__ import annotations

from enum import IntEnum

PROTOCOL_ID = 0x00
KEY_SIZE = 32
IFV_SIZE = 8


class ObjectId(IntEnum):
    """Object id, the byte after the protocol id."""

    QUERY = 0x00
    QUERY_RESP = 0x01
    KEY_PROG = 0x02
    KP_ACK = 0x03
    K_SET_GO = 0x04
    K_SET_STOP = 0x05
    K_GOSTOP_ACK = 0x06


class KpStatus(IntEnum):
    """Status of KP_ACK."""

    SUCCESS = 0x00
    INCORRECT_LENGTH = 0x01
    UNSUPPORTED_PORT_INDEX = 0x02
    UNSUPPORTED_VALUE = 0x03
    UNSPECIFIED_FAILURE = 0x04


class Direction(IntEnum):
    """Bit 1 of key info, seen from the port that is programmed."""

    RX = 0
    TX = 1
