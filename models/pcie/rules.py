# SPDX-License-Identifier: Apache-2.0
"""Rules between a request and its completions: byte arithmetic, splitting, collecting."""

from __future__ import annotations

from dataclasses import dataclass, replace

from models.pcie.codes import CplStatus
from models.pcie.errors import CompletionError, Rule, TlpError
from models.pcie.layout import ATOMICS, DW, MEMORY_READS, NON_POSTED
from models.pcie.tlp import Tlp
from models.pcie.tlp_rules import operand_size

__all__ = [
    "DEVICE_LIMITS",
    "ROOT_LIMITS",
    "CompletionCollector",
    "CompletionError",
    "Limits",
    "byte_count",
    "check_limits",
    "failed_completion",
    "lower_address",
    "split_completions",
    "written_bytes",
]


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes in bytes that a port keeps to."""

    rcb: int = 128  # Read Completion Boundary of the completer
    max_payload: int = 256
    max_read: int = 512
    max_received: int = 4096  # payload that a receiver still takes, Max_Payload_Size or more


DEVICE_LIMITS = Limits()  # an endpoint splits its completions at multiples of 128 bytes
ROOT_LIMITS = Limits(rcb=64)


def check_limits(tlp: Tlp, limits: Limits) -> None:
    """Raise TlpError when the payload or the size of a read exceeds `limits`."""
    if len(tlp.payload) > limits.max_payload:
        raise TlpError(Rule.MAX_PAYLOAD, f"{len(tlp.payload)} bytes, {limits.max_payload} allowed")
    if tlp.fmt_type in MEMORY_READS and DW * tlp.length > limits.max_read:
        raise TlpError(Rule.MAX_READ, f"{DW * tlp.length} bytes, {limits.max_read} allowed")


def _lead(enables: int) -> int:
    """Bytes before the first enabled one."""
    return (enables & -enables).bit_length() - 1


def byte_count(request: Tlp) -> int:
    """Byte Count of the first completion: from the first to the last enabled byte."""
    if request.fmt_type in ATOMICS:
        return operand_size(request)
    if request.fmt_type not in MEMORY_READS:
        return DW
    if request.th:
        return DW * request.length
    if request.length == 1:
        if request.first_be == 0:
            return 1
        return request.first_be.bit_length() - _lead(request.first_be)
    # Enables of 0 are not allowed here; the counts are then those of the smallest that is.
    lead = _lead(request.first_be) if request.first_be else 0
    return DW * request.length - lead - (DW - max(request.last_be.bit_length(), 1))


def _first_byte(request: Tlp) -> int:
    """Offset in the first DW of the first byte that a completion of a memory read answers."""
    if request.fmt_type not in MEMORY_READS or request.th or request.first_be == 0:
        return 0
    return _lead(request.first_be)


def lower_address(request: Tlp) -> int:
    """Lower Address of the first completion; 0 for all but memory reads."""
    if request.fmt_type not in MEMORY_READS:
        return 0
    return (request.address + _first_byte(request)) & 0x7F


def written_bytes(write: Tlp) -> list[tuple[int, bytes]]:
    """The runs of enabled bytes of a memory write, with the address of each."""
    runs: list[tuple[int, bytes]] = []
    last_dw = write.length - 1
    for dw in range(write.length):
        enables = write.first_be if dw == 0 else write.last_be if dw == last_dw else 0xF
        for index in range(DW):
            if not enables >> index & 1:
                continue
            at = DW * dw + index
            byte = write.payload[at : at + 1]
            if runs and runs[-1][0] + len(runs[-1][1]) == write.address + at:
                runs[-1] = (runs[-1][0], runs[-1][1] + byte)
            else:
                runs.append((write.address + at, byte))
    return runs


def failed_completion(completer_id: int, request: Tlp, status: CplStatus) -> Tlp:
    """The completion that ends `request` without data: UR, CA, or SC for a write."""
    completion = Tlp.cpl(completer_id, request, status, byte_count(request))
    return replace(completion, lower_address=lower_address(request))


def split_completions(
    completer_id: int, request: Tlp, data: bytes, limits: Limits = ROOT_LIMITS
) -> list[Tlp]:
    """The completions of a read, as few as `limits` allow; `data` are all DWs of the request."""
    if request.fmt_type not in MEMORY_READS:
        return [Tlp.cpld(completer_id, request, data, byte_count(request), 0)]
    completions = []
    remaining, first = byte_count(request), _first_byte(request)
    at, end = request.address, request.address + DW * request.length
    while at < end:
        stop = _split_point(at, end, limits)
        part = data[at - request.address : stop - request.address]
        lower = (at + first) & 0x7F
        completions.append(Tlp.cpld(completer_id, request, part, remaining, lower))
        remaining -= stop - at - first
        at, first = stop, 0
    return completions


def _split_point(at: int, end: int, limits: Limits) -> int:
    if end - at <= limits.max_payload:
        return end
    return (at + limits.max_payload) // limits.rcb * limits.rcb


class CompletionCollector:
    """Checks the completions of one non-posted request and puts their data together.

    `data` holds the bytes from the first to the last enabled byte of the request, as far as they
    have come; `status` is None until the last completion.
    """

    def __init__(self, request: Tlp, limits: Limits = DEVICE_LIMITS) -> None:
        if request.fmt_type not in NON_POSTED:
            raise CompletionError(f"{request.fmt_type.name} has no completion")
        self.request = request
        self.limits = limits
        self.data = b""
        self.status: CplStatus | None = None
        self._expects_data = not request.has_data or request.fmt_type in ATOMICS
        self._remaining = byte_count(request)
        self._lower = lower_address(request)
        self._completer: int | None = None

    @property
    def done(self) -> bool:
        """Whether the last completion has come."""
        return self.status is not None

    def add(self, completion: Tlp) -> bool:
        """Take the next completion; True when it was the last one.

        Raises CompletionError when it does not continue the series.
        """
        self._check_header(completion)
        if completion.status != CplStatus.SC:
            self.status = CplStatus(completion.status)
        elif not self._expects_data:
            if completion.has_data:
                raise CompletionError("data in the completion of a write")
            self.status = CplStatus.SC
        else:
            self._take(completion)
        return self.done

    def _check_header(self, completion: Tlp) -> None:
        request = self.request
        if self.done:
            raise CompletionError("a completion after the last one")
        if not completion.is_completion:
            raise CompletionError(f"{completion.fmt_type.name} is no completion")
        if (completion.requester_id, completion.tag) != (request.requester_id, request.tag):
            raise CompletionError(f"for {completion.requester_id:04x}, tag {completion.tag}")
        if completion.tc != request.tc or completion.attr & 3 != request.attr & 3:
            raise CompletionError(f"TC {completion.tc}, Attr {completion.attr}")
        if self._completer not in (None, completion.completer_id):
            raise CompletionError(f"Completer ID changes to {completion.completer_id:04x}")
        self._completer = completion.completer_id

    def _take(self, completion: Tlp) -> None:
        if not completion.has_data:
            raise CompletionError("a successful completion of a read without data")
        if completion.byte_count != self._remaining:
            raise CompletionError(
                f"Byte Count {completion.byte_count}, {self._remaining} bytes are missing"
            )
        if completion.lower_address != self._lower:
            raise CompletionError(
                f"Lower Address {completion.lower_address:#x}, expected {self._lower:#x}"
            )
        if len(completion.payload) > self.limits.max_payload:
            raise CompletionError(f"{len(completion.payload)} bytes of payload")
        lead = self._lower & 3
        if len(completion.payload) >= lead + self._remaining + DW:
            raise CompletionError(f"{len(completion.payload)} bytes of payload")
        carried = completion.payload[lead : lead + self._remaining]
        end = (self._lower & ~3) + len(completion.payload)
        if len(carried) < self._remaining and self._not_at_boundary(end):
            raise CompletionError(f"split at {end:#x}, not at a multiple of {self.limits.rcb}")
        self.data += carried
        self._remaining -= len(carried)
        self._lower = end & 0x7F
        if self._remaining == 0:
            self.status = CplStatus.SC

    def _not_at_boundary(self, end: int) -> bool:
        return self.request.fmt_type not in MEMORY_READS or end % self.limits.rcb != 0
