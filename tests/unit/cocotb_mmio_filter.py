# SPDX-License-Identifier: Apache-2.0
"""All inputs of mmio_filter against the table of inbound requests."""

from __future__ import annotations

from itertools import product
from typing import Any

import cocotb
from cocotb.triggers import Timer

from models.app.map import RangeClass
from models.pcie.admission import Decision, RangeKind, inbound_memory
from models.tdisp.codes import TdiState

U, L, R, E = (
    TdiState.CONFIG_UNLOCKED,
    TdiState.CONFIG_LOCKED,
    TdiState.RUN,
    TdiState.ERROR,
)

KINDS = {
    "TEE": RangeKind.TEE,
    "non-TEE": RangeKind.NON_TEE,
    "ROM": RangeKind.ROM,
    "MSI-X locked": RangeKind.MSIX_LOCKED,
}

# Target -> state -> who is served: "bound" (T=1 on the bound stream), "other" (T=1 on another
# stream), "plain" (T=0, with IDE or without).
SERVED: dict[str, dict[TdiState, set[str]]] = {
    "TEE": {U: {"plain"}, L: set(), R: {"bound"}, E: set()},
    "non-TEE": {U: {"plain"}, L: {"plain"}, R: {"bound", "other", "plain"}, E: {"plain"}},
    "ROM": {U: {"plain"}, L: {"plain"}, R: {"plain"}, E: {"plain"}},
    # Nothing is locked in CONFIG_UNLOCKED.
    "MSI-X locked": {U: {"plain"}, L: set(), R: {"bound"}, E: set()},
}


def target_of(range_class: RangeClass, locked: int, opened: int = 0) -> str | None:
    """Row of the table, or None when nothing is implemented there.

    `opened` is the attribute that SET_MMIO_ATTRIBUTE has set, which only a TDI in RUN has.
    """
    if range_class == RangeClass.NONE:
        return None
    if range_class == RangeClass.TEE:
        return "non-TEE" if opened else "TEE"
    if range_class == RangeClass.MSIX and locked:
        return "MSI-X locked"
    return "non-TEE"


def sender_of(ide: int, t: int, bound: int) -> str:
    """Column of the table; T without IDE does not exist and is served nowhere."""
    if not t:
        return "plain"
    if not ide:
        return "impossible"
    return "bound" if bound else "other"


@cocotb.test()
async def every_input_is_admitted_as_the_table_says(dut: Any) -> None:
    seen = {0: 0, 1: 0}
    bits = [(0, 1)] * 9
    for state, range_class, values in product(TdiState, RangeClass, product(*bits)):
        locked, space, scrub, one_class, ide, t, bound, opened, rom = values
        if rom and range_class != RangeClass.NONE:
            continue  # the ROM is of no class
        dut.tdi_state.value = int(state)
        dut.range_class.value = int(range_class)
        dut.opened.value = opened
        dut.rom.value = rom
        dut.msix_locked.value = locked
        dut.memory_space.value = space
        dut.scrub_busy.value = scrub
        dut.one_class.value = one_class
        dut.ide.value = ide
        dut.t.value = t
        dut.stream_bound.value = bound
        await Timer(1, "ns")
        target = "ROM" if rom else target_of(range_class, locked, opened and state is R)
        expected = bool(
            target
            and space
            and not scrub
            and one_class
            and sender_of(ide, t, bound) in SERVED[target][state]
        )
        got = bool(int(dut.allow.value))
        assert got == expected, f"{state.name} {range_class.name} {values}: {got}"
        seen[got] += 1
        if target and space and not scrub and one_class and (ide or not t):
            rule = inbound_memory(state, KINDS[target], bool(t), bool(bound))
            assert got == (rule.decision is Decision.PASS)
    assert seen == {0: 5120 - seen[1], 1: seen[1]}
    assert seen[1] > 0
