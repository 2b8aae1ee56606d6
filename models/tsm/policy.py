# SPDX-License-Identifier: Apache-2.0
"""What the TSM insists on before it lets a device near a tenant's data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from models.ide.codes import CapabilityBit, ControlBit, StatusBit
from models.ide.select import BlockError, SelectiveStreamBlock
from models.idekm.messages import QueryResponse
from models.pcie.codes import SelectiveBlock
from models.pcie.layout import DW
from models.spdm.codes import Aead, Capability, TableType
from models.spdm.messages import Algorithms, Capabilities
from models.tdisp.codes import LockFlags, Request
from models.tdisp.messages import TdispCapabilities
from models.tdisp.profile import MANDATORY
from models.tdisp.report import DeviceInterfaceReport, MmioRange
from models.tsm.errors import PolicyError
from models.tsm.ports import Assignment
from models.tsm.report_check import findings as report_findings

ADDRESS_SPACE = 1 << 64
PAGE = 0x1000
NEEDED_FLAGS = (
    Capability.CERT | Capability.MEAS_SIG | Capability.ENCRYPT | Capability.MAC | Capability.KEY_EX
)
NUM_SELECTIVE_MASK = 0xFF
FIRST_BLOCK = 2 * DW  # behind capability and control
VOLATILE_STATUS = 0xF | 1 << StatusBit.RECEIVED_FAIL


@dataclass(frozen=True, slots=True)
class Policy:
    """Limits that a host may set; the rest is fixed by the requirements."""

    min_address_width: int = 52
    report_portion: int = 0x40  # bytes of the report in one request

    # ------------------------------------------------------------------ device

    def check_device(
        self, tee_io: bool, capabilities: Capabilities | None, algorithms: Algorithms | None
    ) -> None:
        """TEE-IO Supported, the session profile of TEE-IO (TDISP-HOST-001)."""
        if not tee_io:
            raise PolicyError("TDISP-HOST-001", "TEE-IO Supported is 0")
        if capabilities is None or algorithms is None:
            raise PolicyError("TDISP-HOST-001", "not connected")
        missing = NEEDED_FLAGS & ~capabilities.flags
        if missing:
            raise PolicyError("TDISP-HOST-001", f"SPDM capabilities {Capability(missing)!r} miss")
        if algorithms.table(TableType.AEAD) != Aead.AES_256_GCM:
            raise PolicyError("TDISP-HOST-001", "the session is not protected by AES-256-GCM")

    # ------------------------------------------------------------------ IDE

    def check_query(self, answer: QueryResponse, rid: int, registers: bytes) -> None:
        """QUERY_RESP against configuration space, and what a stream needs (TDISP-HOST-002)."""
        if answer.bus << 8 | answer.dev_fn != rid:
            raise PolicyError("TDISP-HOST-002", f"port is {answer.bus:02x}:{answer.dev_fn:02x}")
        if _stable(answer.registers) != _stable(registers):
            raise PolicyError("TDISP-HOST-002", "QUERY_RESP differs from configuration space")
        capability = int.from_bytes(registers[:DW], "little")
        for bit in (CapabilityBit.SELECTIVE, CapabilityBit.IDE_KM):
            if not capability >> bit & 1:
                raise PolicyError("TDISP-HOST-002", f"the device lacks {bit.name}")

    def check_stream(self, registers: bytes, stream_id: int) -> None:
        """One block with this Stream ID, the only default stream, TC0, RID association valid."""
        defaults = [block for block in blocks(registers) if block.default_stream]
        if [block.stream_id for block in defaults] != [stream_id]:
            raise PolicyError("TDISP-HOST-002", f"stream {stream_id} is not the default stream")
        block = defaults[0]
        if block.tc or not block.rid_valid or block.algorithm:
            raise PolicyError("TDISP-HOST-002", f"stream {stream_id} is set up wrongly")

    def check_peer_stream(self, registers: bytes, stream_id: int) -> None:
        """One block with this Stream ID, not the default stream, associations valid."""
        found = [block for block in blocks(registers) if block.stream_id == stream_id]
        if len(found) != 1 or found[0].default_stream:
            raise PolicyError("TDISP-P2P-002", f"stream {stream_id} is none to a peer")
        block = found[0]
        reaches = block.rid_valid and any(item.valid for item in block.associations)
        if block.tc or not reaches or block.algorithm:
            raise PolicyError("TDISP-P2P-002", f"stream {stream_id} is set up wrongly")

    # ------------------------------------------------------------------ TDISP

    def check_interface(self, capabilities: TdispCapabilities, flags: LockFlags) -> None:
        """Mandatory requests, request counts, and that the wanted flags are offered."""
        lacking = [code.name for code in MANDATORY if not capabilities.supports(code)]
        if lacking:
            raise PolicyError("TDISP-CAP-002", f"{', '.join(lacking)} not supported")
        if capabilities.req_msgs_supported & 1 or capabilities.dsm_caps:
            raise PolicyError("TDISP-CAP-004", "reserved bits are set")
        if not 0 < capabilities.num_req_this <= capabilities.num_req_all:
            raise PolicyError("TDISP-CAP-006", "numbers of outstanding requests")
        if flags & ~capabilities.lock_interface_flags_supported:
            raise PolicyError("TDISP-CAP-007", f"LOCK flags {flags!r} are not offered")
        if capabilities.dev_addr_width < self.min_address_width:
            raise PolicyError("TDISP-CAP-001", f"{capabilities.dev_addr_width} address bits")

    def check_offset(self, assignment: Assignment) -> None:
        """The reporting offset moves no BAR out of the address space (TDISP-HOST-007)."""
        offset = assignment.mmio_reporting_offset
        for bar, base in assignment.bars.items():
            end = base + assignment.bar_sizes[bar] + offset
            if base + offset < 0 or end > ADDRESS_SPACE or offset % PAGE:
                raise PolicyError("TDISP-HOST-007", f"offset {offset:#x} for BAR{bar}")

    def check_report(self, report: DeviceInterfaceReport, assignment: Assignment) -> None:
        """Order, coverage, attributes, reserved bits (TDISP-HOST-004)."""
        found = report_findings(report, assignment)
        if found:
            raise PolicyError("TDISP-HOST-004", "; ".join(found))

    def check_bind(self, capabilities: TdispCapabilities | None, flags: LockFlags) -> None:
        """The requests are offered, and LOCK has asked for them."""
        needed = (Request.BIND_P2P_STREAM_REQUEST, Request.UNBIND_P2P_STREAM_REQUEST)
        if capabilities is None or not all(map(capabilities.supports, needed)):
            raise PolicyError("TDISP-P2P-007", "streams to peers are not offered")
        if not flags & LockFlags.BIND_P2P:
            raise PolicyError("TDISP-P2P-002", "LOCK without BIND_P2P")

    def check_attribute(
        self,
        capabilities: TdispCapabilities | None,
        report: DeviceInterfaceReport | None,
        wanted: MmioRange,
    ) -> None:
        """The request is offered, and `wanted` lies in a range that can be changed."""
        if capabilities is None or not capabilities.supports(Request.SET_MMIO_ATTRIBUTE_REQUEST):
            raise PolicyError("TDISP-CAP-003", "SET_MMIO_ATTRIBUTE is not offered")
        ranges = () if report is None else report.ranges
        if not any(item.is_updatable and wanted.inside(item) for item in ranges):
            raise PolicyError("TDISP-MMA-002", f"pages at {wanted.first_page:#x} are fixed")


def blocks(registers: bytes) -> Iterator[SelectiveStreamBlock]:
    """Selective stream blocks in the registers from IDE Capability on, without Link IDE blocks."""
    capability = int.from_bytes(registers[:DW], "little")
    at = FIRST_BLOCK + _link_bytes(capability)
    for _ in range((capability >> CapabilityBit.NUM_SELECTIVE & NUM_SELECTIVE_MASK) + 1):
        try:
            block = SelectiveStreamBlock.decode(registers[at:])
        except BlockError as error:
            raise PolicyError("TDISP-HOST-002", f"IDE registers end early: {error}") from error
        yield block
        at += SelectiveBlock.ADDRESS_ASSOCIATION_1 + 3 * DW * len(block.associations)


def _link_bytes(capability: int) -> int:
    if not capability >> CapabilityBit.LINK_IDE & 1:
        return 0
    return 2 * DW * ((capability >> CapabilityBit.NUM_LINK_TC & 7) + 1)


def _stable(registers: bytes) -> bytes:
    """Registers without what changes by itself: Enable and the status of each stream."""
    words = bytearray(registers)
    at = FIRST_BLOCK
    if len(registers) < DW:
        return registers
    at += _link_bytes(int.from_bytes(registers[:DW], "little"))
    while at + SelectiveBlock.ADDRESS_ASSOCIATION_1 <= len(words):
        status = at + SelectiveBlock.STATUS
        value = int.from_bytes(words[status : status + DW], "little") & ~VOLATILE_STATUS
        words[status : status + DW] = value.to_bytes(DW, "little")
        words[at + SelectiveBlock.CONTROL] &= ~(1 << ControlBit.ENABLE)
        at += SelectiveBlock.ADDRESS_ASSOCIATION_1 + 3 * DW * (words[at] & 0xF)
    return bytes(words)
