# SPDX-License-Identifier: Apache-2.0
"""All inputs of dma_admit against the table of outbound requests."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import cocotb
from cocotb.triggers import Timer

from models.pcie.admission import (
    MemoryRequest,
    OutboundKind,
    OutboundRule,
    outbound,
    outbound_memory,
)
from models.pcie.codes import AddressType
from models.tdisp.codes import TdiState

FORMS = ("page", "read", "write", "atomic", "other")
BITS = (
    "msix_locked",
    "redirect",
    "stream_secure",
    "bus_master",
    "ats_enable",
    "msix",
    "msi",
    "rid_match",
    "peer",
    "p2p_secure",
)
DEFAULT, P2P = 1, 2  # numbers of the two streams


@dataclass(frozen=True)
class Case:
    """One combination of inputs."""

    state: TdiState
    at: AddressType
    form: str
    bits: dict[str, int]

    @property
    def request(self) -> MemoryRequest:
        """The request, if it is no interrupt."""
        bits, write = self.bits, self.form == "write"
        flags = (bool(bits[name]) for name in ("ats_enable", "peer", "redirect"))
        return replace(MemoryRequest(self.at, write, *flags), atomic=self.form == "atomic")

    @property
    def rule(self) -> OutboundRule | None:
        """The cell of the table; None for what is no request that a function may make."""
        if self.form == "other":
            return None
        if self.form == "page":
            plain = self.at is AddressType.UNTRANSLATED and not self.interrupt
            return outbound(self.state, OutboundKind.PAGE_REQUEST) if plain else None
        if not self.interrupt:
            return outbound_memory(self.state, self.request)
        if self.form != "write" or self.at is not AddressType.UNTRANSLATED:
            return None
        if self.bits["msi"]:  # whatever else it claims to be
            return outbound(self.state, OutboundKind.MSI)
        # A table is locked with its TDI: in CONFIG_UNLOCKED none is.
        locked = self.bits["msix_locked"] and self.state is not TdiState.CONFIG_UNLOCKED
        kind = OutboundKind.MSIX_LOCKED if locked else OutboundKind.MSIX_UNLOCKED
        return outbound(self.state, kind)

    @property
    def interrupt(self) -> bool:
        """Whether it is an interrupt."""
        return bool(self.bits["msix"] or self.bits["msi"])

    @property
    def expected(self) -> tuple[int, int] | None:
        """T bit and stream as the request must leave; None when it must not. 0 for no stream."""
        rule, bits = self.rule, self.bits
        if rule is None or not (rule.allowed and bits["bus_master"] and bits["rid_match"]):
            return None
        if not rule.t:
            return 0, 0
        direct = not self.interrupt and self.request.direct
        secure = bits["p2p_secure"] if direct else bits["stream_secure"]
        return (1, P2P if direct else DEFAULT) if secure else None


@cocotb.test()
async def every_input_is_admitted_as_the_table_says(dut: Any) -> None:
    dut.tdi_stream.value = DEFAULT
    dut.p2p_stream.value = P2P
    seen: dict[tuple[int, int] | None, int] = {}
    for state, at, form in product(TdiState, AddressType, FORMS):
        dut.tdi_state.value = int(state)
        dut.at.value = int(at)
        dut.read.value = int(form == "read")
        dut.write.value = int(form == "write")
        dut.atomic.value = int(form == "atomic")
        dut.pasid_enable.value = int(form == "write")  # does not matter without a PASID
        dut.pasid.value = 0
        dut.hint_enable.value = int(form == "read")  # does not matter without a hint
        dut.hint.value = 0
        dut.page_request.value = int(form == "page")
        for values in product((0, 1), repeat=len(BITS)):
            case = Case(state, at, form, dict(zip(BITS, values, strict=True)))
            for name, value in case.bits.items():
                getattr(dut, name).value = value
            await Timer(1, "ns")
            got = None
            if int(dut.allow.value):
                assert dut.ide.value == dut.t.value, case
                got = int(dut.t.value), int(dut.stream.value)
            assert got == case.expected, f"{case}: {got}, not {case.expected}"
            seen[got] = seen.get(got, 0) + 1
    assert set(seen) == {None, (0, 0), (1, DEFAULT), (1, P2P)}


@cocotb.test()
async def a_pasid_needs_its_enable_and_is_never_that_of_an_interrupt(dut: Any) -> None:
    dut.tdi_stream.value = DEFAULT
    dut.p2p_stream.value = P2P
    dut.at.value = int(AddressType.UNTRANSLATED)
    dut.hint.value = dut.hint_enable.value = 0
    dut.read.value = 0
    dut.write.value = 1
    good = dict.fromkeys(BITS, 1)
    for state, msix, msi, locked in product(TdiState, (0, 1), (0, 1), (0, 1)):
        bits = {**good, "msix": msix, "msi": msi, "msix_locked": locked}
        case = Case(state, AddressType.UNTRANSLATED, "write", bits)
        dut.tdi_state.value = int(state)
        for name, value in case.bits.items():
            getattr(dut, name).value = value
        for pasid, enable in product((0, 1), repeat=2):
            dut.pasid.value = pasid
            dut.pasid_enable.value = enable
            await Timer(1, "ns")
            right = not pasid or (enable and not case.interrupt)
            assert int(dut.allow.value) == int(right and case.expected is not None), (
                f"{case}, PASID {pasid}, enable {enable}"
            )


@cocotb.test()
async def a_hint_needs_its_enable_and_is_for_reads_and_writes_only(dut: Any) -> None:
    dut.tdi_stream.value = DEFAULT
    dut.p2p_stream.value = P2P
    dut.pasid.value = dut.pasid_enable.value = 0
    good = dict.fromkeys(BITS, 1)
    for state, at, form, msix, msi in product(TdiState, AddressType, FORMS, (0, 1), (0, 1)):
        case = Case(state, at, form, {**good, "msix": msix, "msi": msi})
        dut.tdi_state.value = int(state)
        dut.at.value = int(at)
        for name in ("read", "write", "atomic"):
            getattr(dut, name).value = int(form == name)
        dut.page_request.value = int(form == "page")
        for name, value in case.bits.items():
            getattr(dut, name).value = value
        moves = form in ("read", "write") and at is not AddressType.TRANSLATION_REQUEST
        for hint, enable in product((0, 1), repeat=2):
            dut.hint.value = hint
            dut.hint_enable.value = enable
            await Timer(1, "ns")
            right = not hint or (enable and moves and not case.interrupt)
            assert int(dut.allow.value) == int(right and case.expected is not None), (
                f"{case}, hint {hint}, enable {enable}"
            )
