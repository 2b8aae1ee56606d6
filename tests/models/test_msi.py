# SPDX-License-Identifier: Apache-2.0
"""The MSI capability: its messages, its registers and a lock, its interrupts before a checker."""

from __future__ import annotations

from dataclasses import replace

import pytest

from models.app.config_map import ConfigRegister as Reg
from models.app.function import Interrupt
from models.app.map import Bar0, Control, Register
from models.app.msi import CONTROL_RESET, ENABLE, VECTORS, Msi
from models.device.config import DEFAULT_PROFILE, DeviceProfile
from models.device.config_space import ConfigSpace
from models.device.registers import place
from models.pcie.codes import CapabilityId
from models.pcie.tlp import Tlp
from models.tdisp.codes import TdiState
from models.tdisp.tracking import Space
from tb.scoreboard.world import PLAIN, Route
from tests.models.life_cycle_parties import Bench as Lives
from tests.models.life_cycle_parties import run
from tests.models.scoreboard_world import SECURED, STREAM, VF, VF_BAR0, VF_BAR2, Bench
from tests.plan import covers

U, L, R, E = TdiState
ALL = 0xF
ONES = 0xFFFFFFFF
BUFFER = 0x8000_0000
VECTOR = 1  # of the transfers of `Bench`
CONTROL = CONTROL_RESET | ENABLE
MESSAGE = Interrupt(0xFEE0_0000, 0x41)
ON = Msi(CONTROL | 2 << 20, MESSAGE.address, 0x43)
REGISTERS = (Reg.MSI, Reg.MSI_ADDRESS_LOW, Reg.MSI_ADDRESS_HIGH, Reg.MSI_DATA, Reg.MSI_MASK)
WITHOUT_T = Route(STREAM, False)


# ---------------------------------------------------------------------- messages


@covers("TDISP-INT-001")
@pytest.mark.parametrize(("code", "granted"), [(0, 1), (1, 2), (2, 4), (3, 4), (7, 4)])
def test_the_number_of_a_vector_is_in_as_many_bits_as_are_granted(code: int, granted: int) -> None:
    msi = Msi(CONTROL | code << 20, 0x1_0000_0000, 0xABCF)
    assert msi.granted == granted
    sent = [msi.message(vector) for vector in range(VECTORS)]
    low = [vector % granted for vector in range(VECTORS)]
    assert sent == [Interrupt(0x1_0000_0000, 0xABCF - 0xABCF % granted + number) for number in low]


@covers("TDISP-INT-001")
def test_a_vector_is_masked_by_the_bit_of_the_one_that_stands_for_it() -> None:
    msi = replace(ON, control=CONTROL | 1 << 20, mask=0b0010)
    assert [msi.message(vector) is None for vector in range(VECTORS)] == [False, True] * 2
    assert Msi(CONTROL_RESET, 0x1000).message(0) is None


# ---------------------------------------------------------------------- registers


def programmed(space: ConfigSpace, function: int) -> None:
    for register in REGISTERS:
        space.write(function, register, ONES, ALL)


@covers("TDISP-FSM-004")
def test_registers_are_those_of_their_function_until_its_reset() -> None:
    space = ConfigSpace(DEFAULT_PROFILE)
    space.write(0, Reg.SRIOV_NUM_VFS, 3, ALL)
    space.write(0, Reg.SRIOV_CONTROL, 0x9, ALL)
    for function in (0, 1, 3):
        programmed(space, function)
    full = Msi(CONTROL | 7 << 20, (1 << 64) - 4, 0xFFFF, 0xF)
    assert [view.msi for view in space.views()] == [full, full, Msi(), full]
    space.flr(1)
    assert [view.msi for view in space.views()] == [full, Msi(), Msi(), full]
    space.flr(0)
    assert [view.msi for view in space.views()] == [Msi()] * 4


@covers("TDISP-INT-001")
def test_the_capability_is_there_where_it_is_built_and_never_of_an_sdi() -> None:
    without = ConfigSpace(DeviceProfile(msi=False))
    programmed(without, 0)
    assert {view.msi for view in without.views()} == {None}
    sdis = ConfigSpace(DeviceProfile(sdis=True, pasid=True))
    programmed(sdis, 0)
    first, *others = sdis.views()
    assert first.msi is not None
    assert {view.msi for view in others} == {None}


@covers("TDISP-TRK-006")
def test_no_write_to_the_capability_moves_a_locked_tdi() -> None:
    lives = Lives()
    run(lives.to_run(0))
    run(lives.to_run(1))
    for function in (0, 1):
        for register in (*REGISTERS, Reg.MSI_PENDING):
            assert place(register)[:2] == (Space.CAPABILITY, CapabilityId.MSI)
            for value in (ONES, 0, ONES):
                lives.host.write(register, value, ALL, function)
                assert lives.device.tdi_states()[:2] == (R, R), register.name
    assert lives.device.functions()[1].msi is not None


# ---------------------------------------------------------------------- before the checker


def owing(state: TdiState, msi: Msi = ON) -> Bench:
    """A transfer of function 1 that ends with an interrupt has passed, by MSI."""
    bench = Bench()
    bench.change_view(1, msix_enable=False, msi=msi)
    if state is R:
        bench.state(R)
    finished(bench, state)
    return bench


def finished(bench: Bench, state: TdiState, vector: int = VECTOR) -> None:
    route = SECURED if state is R else PLAIN
    bench.start(VF_BAR0, BUFFER, 64, Control.WRITE_HOST, route)
    bench.write(VF_BAR0 + Bar0.REGISTERS + Register.VECTOR, bytes([vector, 0, 0, 0]), route)
    bench.from_device(Tlp.mem_write(VF, BUFFER, bytes(64)), route)
    status = VF_BAR0 + Bar0.REGISTERS + Register.CONTROL
    again = int(Control.START | Control.WRITE_HOST | Control.INTERRUPT)
    bench.write(status, again.to_bytes(4, "little"), route)
    bench.from_device(Tlp.mem_write(VF, BUFFER, bytes(64)), route)


def message(number: int = MESSAGE.data, address: int = MESSAGE.address) -> Tlp:
    return Tlp.mem_write(VF, address, number.to_bytes(4, "little"))


@covers("TDISP-INT-001", "TDISP-INT-003")
@pytest.mark.parametrize("state", [U, R])
def test_an_msi_has_t_0_whatever_state_its_tdi_is_in(state: TdiState) -> None:
    bench = owing(state)
    bench.from_device(message(), PLAIN)
    bench.finish()
    assert bench.found() == set()


@covers("TDISP-INT-001", "TDISP-INT-003")
def test_an_msi_of_a_locked_tdi_has_t_0() -> None:
    bench = owing(U)
    bench.state(L)
    bench.from_device(message(), PLAIN)
    bench.finish()
    assert bench.found() == set()


@covers("TDISP-INT-001")
def test_an_msi_with_t_1_is_found() -> None:
    bench = owing(R)
    bench.from_device(message(), SECURED)
    assert "TDISP-INT-001" in bench.found()


@covers("TDISP-INT-001")
@pytest.mark.parametrize(
    ("number", "address"), [(0x40, MESSAGE.address), (0x43, MESSAGE.address), (0x41, BUFFER)]
)
def test_an_msi_that_is_not_what_the_registers_say_is_found(number: int, address: int) -> None:
    bench = owing(U)
    bench.from_device(message(number, address))
    assert bench.found()


@covers("TDISP-INT-001")
def test_an_msi_that_is_not_sent_is_found_unless_it_is_masked() -> None:
    for mask, found in ((0, {"TDISP-INT-001"}), (1 << VECTOR, set())):
        bench = owing(U, replace(ON, mask=mask))
        bench.finish()
        assert bench.found() == found
    masked = owing(U, replace(ON, mask=1 << VECTOR))
    masked.from_device(message())
    assert masked.found()


@covers("TDISP-INT-001", "TDISP-INT-002")
def test_an_msi_while_msix_is_enabled_is_found() -> None:
    bench = Bench()
    bench.change_view(1, msi=ON)
    bench.interrupts_on(VF_BAR2, MESSAGE.address + 64, 7)
    finished(bench, U)
    bench.from_device(message())
    assert bench.found()


@covers("TDISP-INT-001")
def test_a_message_stands_for_all_that_was_due_by_its_vector() -> None:
    bench = owing(U, replace(ON, control=CONTROL))
    finished(bench, U, 3)
    bench.from_device(message(0x43))
    bench.finish()
    assert bench.found() == set()


@covers("TDISP-INT-001")
def test_a_message_that_was_under_way_may_be_as_the_registers_were() -> None:
    bench = owing(U)
    before = bench.world.views[1]
    bench.change_view(1, msi=Msi())
    bench.link.outbound.interrupts_changed(before, bench.world.views[1], bench.now)
    bench.from_device(message())
    assert bench.found() == set()
    late = owing(U)
    late.change_view(1, msi=Msi())
    late.link.outbound.interrupts_changed(before, late.world.views[1], late.now)
    late.now += 1e6
    late.from_device(message())
    assert late.found()


@covers("TDISP-INT-001")
def test_an_interrupt_from_before_the_switch_may_be_lost() -> None:
    bench = owing(U, replace(ON, mask=1 << VECTOR))
    before = bench.world.views[1]
    bench.change_view(1, msi=ON, msix_enable=True)
    bench.link.outbound.interrupts_changed(before, bench.world.views[1], bench.now)
    bench.interrupts_on(VF_BAR2, BUFFER + 4096, 7)
    bench.finish()
    assert bench.found() == set()
