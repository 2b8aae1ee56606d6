# SPDX-License-Identifier: Apache-2.0
"""Numbers of IDE: prefix fields, sub-streams, positions in messages, bits of the capability.

Message codes, AER bits and register offsets are in `models.pcie.codes`, KP_ACK status and the
direction bit in `models.idekm.codes`.
"""

from __future__ import annotations

from enum import IntEnum

KEY_SIZE = 32
MAC_SIZE = 12
PCRC_SIZE = 4
FIRST_INVOCATION = 1  # IDE-GCM-002
SYNC_DUE = 245  # a PR_Sent_Counter that asks for an IDE Sync (IDE-CNT-002)
SENT_COUNTER_MAX = 255
RECEIVED_COUNTER_MAX = (1 << 64) - 1
INVOCATION_MAX = (1 << 64) - 1
STREAM_TC = 0  # Traffic Class of a stream that carries TDIs


class SubStream(IntEnum):
    """Sub-Stream of the IDE TLP prefix."""

    PR = 0
    NPR = 1
    CPL = 2


class StreamState(IntEnum):
    """Bits 3:0 of the stream status register (IDE-CAP-004)."""

    INSECURE = 0
    SECURE = 2


class PrefixByte(IntEnum):
    """Bytes of the IDE TLP prefix (IDE-TLP-001)."""

    TYPE = 0
    PR_SENT_COUNTER = 1
    STREAM_ID = 2
    FLAGS = 3


class PrefixBit(IntEnum):
    """Bit numbers in the last byte of the prefix; bit 7 is reserved (IDE-TLP-008)."""

    T = 0
    K = 1
    M = 2
    P = 3
    SUB_STREAM = 4  # three bits


class SyncByte(IntEnum):
    """Where an IDE Sync carries its counters, as bytes of the TLP header (IDE-MSG-003)."""

    DESTINATION = 8  # two bytes, when routed by ID
    NPR_COUNTER = 14
    CPL_COUNTER = 15


class FailByte(IntEnum):
    """Where an IDE Fail carries its Stream ID, as bytes of the TLP header (IDE-MSG-003)."""

    DESTINATION = 8  # two bytes, when routed by ID
    STREAM_ID = 15


class CapabilityBit(IntEnum):
    """Bit numbers of the IDE Capability register; the fields are given by their lowest bit."""

    LINK_IDE = 0
    SELECTIVE = 1
    FLOW_THROUGH = 2
    PARTIAL_HEADER_ENCRYPTION = 3
    AGGREGATION = 4
    PCRC = 5
    IDE_KM = 6
    SELECTIVE_CONFIG = 7
    ALGORITHMS = 8  # five bits
    NUM_LINK_TC = 13  # three bits, minus 1
    NUM_SELECTIVE = 16  # eight bits, minus 1
    TEE_LIMITED = 24


class ControlBit(IntEnum):
    """Bit numbers of a stream control register; the fields are given by their lowest bit."""

    ENABLE = 0
    TX_AGGREGATION_NPR = 2  # two bits each
    TX_AGGREGATION_PR = 4
    TX_AGGREGATION_CPL = 6
    PCRC = 8
    CONFIG_REQUESTS = 9  # root ports
    PARTIAL_HEADER_ENCRYPTION = 10  # four bits
    ALGORITHM = 14  # five bits
    TC = 19  # three bits
    DEFAULT_STREAM = 22
    TEE_LIMITED = 23
    STREAM_ID = 24  # eight bits


class StatusBit(IntEnum):
    """Bit numbers of a stream status register."""

    STATE = 0  # four bits
    RECEIVED_FAIL = 31  # write 1 to clear (IDE-CAP-005)
