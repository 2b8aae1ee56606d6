# SPDX-License-Identifier: Apache-2.0
"""Which configuration writes a locked TDI does not survive."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.tdisp.codes import ErrorCause
from models.tdisp.tracking import RegisterWrite, Scope, Space, TrackEvent, track
from tests.hits import sample
from tests.plan import attack, covers

ALL = 0xF
HEADER, CAPABILITY, EXTENDED = Space
BLOCKS = (0x0C, 0x2C)
ONES = 0xFFFFFFFF

# space, capability, offset, bits, cause, scope: any change of one of these bits counts
TRACKED: list[tuple[Space, int, int, int, ErrorCause, Scope]] = [
    (HEADER, 0, 0x0C, 0xFF000000, ErrorCause.BAR, Scope.FUNCTION),
    *((HEADER, 0, bar, ONES, ErrorCause.BAR, Scope.FUNCTION) for bar in range(0x10, 0x28, 4)),
    (HEADER, 0, 0x30, ONES, ErrorCause.BAR, Scope.FUNCTION),
    (CAPABILITY, 0x10, 0x08, 0x0B00, ErrorCause.DEVICE_CONTROL, Scope.HIERARCHY),
    (CAPABILITY, 0x10, 0x28, 0x1000, ErrorCause.DEVICE_CONTROL, Scope.HIERARCHY),
    (CAPABILITY, 0x14, 0x04, ONES, ErrorCause.BAR, Scope.FUNCTION),
    (EXTENDED, 0x0F, 0x04, 0x80000000, ErrorCause.ATS, Scope.FUNCTION),
    (EXTENDED, 0x0F, 0x04, 0x001F0000, ErrorCause.ATS, Scope.HIERARCHY),
    (EXTENDED, 0x10, 0x08, 0x0000FFFF, ErrorCause.SRIOV, Scope.HIERARCHY),
    (EXTENDED, 0x10, 0x10, 0x0000FFFF, ErrorCause.SRIOV, Scope.HIERARCHY),
    (EXTENDED, 0x10, 0x20, ONES, ErrorCause.SRIOV, Scope.HIERARCHY),
    (EXTENDED, 0x10, 0x24, ONES, ErrorCause.SRIOV, Scope.HIERARCHY),
    (EXTENDED, 0x10, 0x38, ONES, ErrorCause.SRIOV, Scope.HIERARCHY),
    (EXTENDED, 0x0E, 0x04, 0xFFFF0000, ErrorCause.DEVICE_CONTROL, Scope.HIERARCHY),
    (EXTENDED, 0x12, 0x08, ONES, ErrorCause.DEVICE_CONTROL, Scope.HIERARCHY),
    (EXTENDED, 0x13, 0x04, 0x0000FFFF, ErrorCause.DEVICE_CONTROL, Scope.HIERARCHY),
    (EXTENDED, 0x13, 0x0C, ONES, ErrorCause.DEVICE_CONTROL, Scope.HIERARCHY),
    (EXTENDED, 0x15, 0x08, ONES, ErrorCause.BAR, Scope.HIERARCHY),
    (EXTENDED, 0x1B, 0x04, 0xFFFF0000, ErrorCause.DEVICE_CONTROL, Scope.HIERARCHY),
    (EXTENDED, 0x24, 0x08, ONES, ErrorCause.BAR, Scope.HIERARCHY),
    (EXTENDED, 0x2F, 0x08, 0x00000004, ErrorCause.DEVICE_CONTROL, Scope.HIERARCHY),
]
# Registers of which no bit counts: status, MSI, AER, VC, PTM, LTR, DOE, L1 PM, VSEC, Link Control
FREE = [
    (HEADER, 0, 0x3C),
    (CAPABILITY, 0x05, 0x00),
    (CAPABILITY, 0x05, 0x04),
    (CAPABILITY, 0x05, 0x08),
    (CAPABILITY, 0x10, 0x10),
    (CAPABILITY, 0x10, 0x30),
    (EXTENDED, 0x01, 0x04),
    (EXTENDED, 0x01, 0x08),
    (EXTENDED, 0x02, 0x14),
    (EXTENDED, 0x0B, 0x08),
    (EXTENDED, 0x0D, 0x04),
    (EXTENDED, 0x18, 0x04),
    (EXTENDED, 0x1E, 0x08),
    (EXTENDED, 0x1F, 0x08),
    (EXTENDED, 0x2E, 0x08),
    (EXTENDED, 0x30, 0x08),
    (EXTENDED, 0x23, 0x08),
]


def written(
    write: RegisterWrite, *, physical: bool = True, msix_locked: bool = True
) -> TrackEvent | None:
    return track(write, physical=physical, msix_locked=msix_locked, streams=BLOCKS)


@covers("TDISP-TRK-003", "TDISP-TRK-004", "TDISP-TRK-007", "TDISP-TRK-008", "TDISP-TRK-016")
@attack("ATT-28")
@pytest.mark.parametrize(("space", "capability", "offset", "bits", "cause", "scope"), TRACKED)
def test_every_tracked_bit_counts_in_both_directions(
    space: Space, capability: int, offset: int, bits: int, cause: ErrorCause, scope: Scope
) -> None:
    for bit in range(32):
        for old in (0, ONES):
            write = RegisterWrite(space, capability, offset, ALL, old, old ^ 1 << bit)
            event = written(write)
            if event is not None:
                register = f"{space.name} {capability:#04x} + {offset:#04x}"
                sample("rule", "tracking", register, "locked", "ERROR")
            if not bits >> bit & 1:
                assert event is None or event.cause is cause
                continue
            assert event is not None
            assert (event.cause, event.scope) == (cause, scope)
            in_vf = written(write, physical=False)
            assert in_vf is not None
            assert in_vf.scope is Scope.FUNCTION


@covers("TDISP-TRK-001", "TDISP-TRK-002")
@attack("ATT-28")
@pytest.mark.parametrize("bit", range(32))
def test_only_clearing_the_two_enables_of_command_counts(bit: int) -> None:
    for old in (0, ONES):
        event = written(RegisterWrite(HEADER, 0, 0x04, ALL, old, old ^ 1 << bit))
        if old and bit in (1, 2):
            assert event == TrackEvent(ErrorCause.COMMAND, Scope.FUNCTION, "TDISP-TRK-001")
        else:
            assert event is None


@covers("TDISP-TRK-006", "TDISP-TRK-012")
@attack("ATT-28")
@pytest.mark.parametrize(("space", "capability", "offset"), FREE)
def test_free_registers_are_harmless(space: Space, capability: int, offset: int) -> None:
    for old, new in ((0, ONES), (ONES, 0)):
        assert written(RegisterWrite(space, capability, offset, ALL, old, new)) is None
    register = f"{space.name} {capability:#04x} + {offset:#04x}"
    sample("rule", "tracking", register, "locked", "harmless")


@covers("TDISP-TRK-012", "TDISP-TRK-004")
@pytest.mark.parametrize(
    ("space", "capability", "offset", "free"),
    [
        (HEADER, 0, 0x04, 0xFFFFFFF9),
        (HEADER, 0, 0x0C, 0x00FFFFFF),
        (CAPABILITY, 0x10, 0x08, 0xFFFFF4FF),
        (CAPABILITY, 0x10, 0x28, 0xFFFFEFFF),
        (EXTENDED, 0x10, 0x08, 0xFFFF0000),
        (EXTENDED, 0x13, 0x04, 0xFFFF0000),
        (EXTENDED, 0x0F, 0x04, 0x7FE0FFFF),
    ],
)
def test_other_bits_of_tracked_registers_are_free(
    space: Space, capability: int, offset: int, free: int
) -> None:
    for old in (0, ONES):
        assert written(RegisterWrite(space, capability, offset, ALL, old, old ^ free)) is None


@covers("TDISP-TRK-005")
@attack("ATT-22")
def test_message_control_counts_only_while_the_table_is_locked() -> None:
    for bit in range(32):
        write = RegisterWrite(CAPABILITY, 0x11, 0x00, ALL, 0, 1 << bit)
        assert (written(write) is not None) == (bit >= 16)
        assert written(write, msix_locked=False) is None
    tph = RegisterWrite(EXTENDED, 0x17, 0x08, ALL, 0, 0x100)
    event = written(tph)
    assert event is not None
    assert event.tolerated
    assert written(tph, msix_locked=False) is None


@covers("TDISP-TRK-009", "TDISP-TRK-010")
@attack("ATT-28")
@pytest.mark.parametrize("block", [0, 1])
def test_registers_of_a_stream_block_name_their_block(block: int) -> None:
    for register in range(0, 0x20, 4):
        write = RegisterWrite(EXTENDED, 0x30, BLOCKS[block] + register, ALL, 0, 0x100)
        event = written(write)
        if register in (0x00, 0x08):
            assert event is None
        else:
            assert event is not None
            assert (event.scope, event.block) == (Scope.STREAM, block)
    assert (
        track(RegisterWrite(EXTENDED, 0x30, 0x0C, ALL, 0, 1), physical=True, msix_locked=False)
        is None
    )


@covers("TDISP-TRK-011")
@attack("ATT-27")
@pytest.mark.parametrize("state", range(4))
def test_only_d3hot_without_no_soft_reset_loses_state(state: int) -> None:
    for kept in (0, 8):
        event = written(RegisterWrite(CAPABILITY, 0x01, 0x04, ALL, kept, kept | state))
        lost = state == 3 and not kept
        assert (event is not None and event.cause is ErrorCause.POWER) == lost
        power = f"power state {state} with No_Soft_Reset {kept >> 3}"
        sample("rule", "tracking", power, "locked", "ERROR" if lost else "harmless")
    stays = RegisterWrite(CAPABILITY, 0x01, 0x04, ALL, 3, 0x103)
    assert written(stays) is None
    assert written(RegisterWrite(CAPABILITY, 0x01, 0x00, ALL, 0, 3)) is None


@covers("TDISP-TRK-014")
@attack("ATT-28")
@given(st.sampled_from(TRACKED), st.integers(0, 15), st.integers(0, ONES), st.integers(0, ONES))
def test_bytes_that_are_not_enabled_do_not_count(
    row: tuple[Space, int, int, int, ErrorCause, Scope], enables: int, old: int, new: int
) -> None:
    space, capability, offset, _, _, _ = row
    mask = sum(0xFF << 8 * n for n in range(4) if enables >> n & 1)
    partial = written(RegisterWrite(space, capability, offset, enables, old, new))
    merged = old & ~mask | new & mask
    assert partial == written(RegisterWrite(space, capability, offset, ALL, old, merged))


@covers("TDISP-TRK-014")
@given(st.sampled_from(TRACKED), st.integers(0, ONES))
def test_writing_the_same_value_is_nothing(
    row: tuple[Space, int, int, int, ErrorCause, Scope], value: int
) -> None:
    space, capability, offset, _, _, _ = row
    assert written(RegisterWrite(space, capability, offset, ALL, value, value)) is None


@covers("TDISP-TRK-016")
def test_a_foreign_device_may_leave_ats_alone() -> None:
    event = written(RegisterWrite(EXTENDED, 0x0F, 0x04, ALL, 0, 1 << 31))
    assert event is not None
    assert event.tolerated
