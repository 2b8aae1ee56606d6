# SPDX-License-Identifier: Apache-2.0
"""Failures of the TLP codec and of the transaction rules."""

from __future__ import annotations

from enum import Enum


class Rule(Enum):
    """The rule of the transaction layer that a TLP breaks."""

    TRUNCATED = "shorter than its prefixes and header"
    TYPE = "Fmt and Type are not defined"
    PREFIX = "prefixes are out of order"
    IDE_TLP = "an IDE TLP is to be decrypted first"
    LENGTH = "Length, Fmt and TD do not agree with the number of bytes"
    PAGE_CROSSING = "a memory request crosses a 4 KiB boundary"
    BYTE_ENABLES = "byte enables are not allowed with this Length and address"
    ADDRESS_FORMAT = "a 4-DW header carries an address below 4 GiB"
    ADDRESS_TYPE = "AT is reserved"
    CONFIG = "a configuration or IO request is not one DW with TC, Attr and AT 0"
    ATOMIC = "operand size or alignment of an AtomicOp"
    COMPLETION = "Completion Status, Byte Count or data do not agree"
    FIELD = "a field does not fit its place"
    MAX_PAYLOAD = "the payload exceeds Max_Payload_Size"
    MAX_READ = "the read request exceeds Max_Read_Request_Size"


class TlpError(Exception):
    """A TLP that breaks `rule`: a Malformed TLP when it came from the link."""

    def __init__(self, rule: Rule, detail: str) -> None:
        super().__init__(f"{rule.name}: {rule.value} ({detail})")
        self.rule = rule


class CompletionError(Exception):
    """A completion that does not continue the series that answers its request."""
