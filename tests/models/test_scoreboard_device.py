# SPDX-License-Identifier: Apache-2.0
"""The whole scoreboard, device models on both sides: right devices pass, wrong ones are found."""

from __future__ import annotations

from dataclasses import replace

from models.app.config_map import ConfigRegister as Reg
from models.app.map import ID_VALUE, Bar0
from models.ide.messages import fail_message
from models.pcie.codes import SelectiveBlock
from models.pcie.rules import split_completions
from models.pcie.tlp import Tlp
from models.tdisp.codes import ErrorCause, TdiState
from models.tdisp.interface_id import InterfaceId
from models.tdisp.messages import (
    GetDeviceInterfaceReport,
    GetDeviceInterfaceState,
    GetTdispCapabilities,
    GetTdispVersion,
    StartInterfaceRequest,
)
from models.tdisp.profile import RangeProfile
from models.tdisp.table import Event
from tb.scoreboard.states import LAG_NS
from tests.models.scoreboard_device import BLOCK, PF, VF1, VF_BAR0, Bench, run
from tests.plan import covers

HOST = 0
VF = InterfaceId.of(VF1)


@covers("TDISP-STATE-003", "TDISP-LOCK-018", "TDISP-START-001", "TDISP-STOP-001")
def test_a_whole_life_of_a_right_device_is_accepted() -> None:
    bench = Bench()

    async def life() -> None:
        session = await bench.started()
        await bench.tdisp(session, GetTdispVersion(interface=VF))
        await bench.tdisp(session, GetTdispCapabilities(interface=VF))
        await bench.tdisp(session, GetDeviceInterfaceState(interface=VF))
        request = Tlp.mem_read(HOST, VF_BAR0 + Bar0.REGISTERS, 4, 40)
        bench.to_device(bench.host_encrypts(request))
        (answer,) = split_completions(VF1, request, ID_VALUE.to_bytes(4, "little"))
        bench.from_device(bench.device_encrypts(answer))
        await bench.stop(session)
        await session.end()
        bench.from_device(fail_message(PF, HOST, 7).encode())

    run(life())
    bench.finish()
    assert bench.found() == set()
    arcs = {s.point[1:3] for s in bench.checker.take_covered() if s.group == "transition"}
    assert ("CONFIG_UNLOCKED", "CONFIG_LOCKED") in arcs
    assert ("CONFIG_LOCKED", "RUN") in arcs
    assert ("RUN", "CONFIG_UNLOCKED") in arcs


@covers("TDISP-FSM-001", "TDISP-TRK-002")
def test_a_tracked_change_that_is_obeyed_is_accepted() -> None:
    bench = Bench()

    async def life() -> None:
        session = await bench.started()
        bench.write(VF1, Reg.COMMAND, 0)
        await bench.tdisp(session, GetDeviceInterfaceState(interface=VF))
        await bench.stop(session)

    run(life())
    bench.finish()
    assert bench.found() == set()


@covers("TDISP-FSM-001", "TDISP-TRK-002")
def test_a_tracked_change_that_is_overlooked_is_found() -> None:
    bench = Bench()

    async def life() -> None:
        await bench.started()
        bench.checker.config_write(bench.now, VF1, Reg.COMMAND, 0, 0xF)
        bench.now += 2 * LAG_NS
        bench.checker.config_read(bench.now, PF, Reg.VSEC, 0)

    run(life())
    assert "TDISP-FSM-001" in bench.found()


@covers("TDISP-TRK-014")
def test_a_disabled_byte_is_no_change() -> None:
    bench = Bench()

    async def life() -> None:
        await bench.started()
        bench.write(VF1, Reg.COMMAND, 0, enables=0b1110)

    run(life())
    bench.finish()
    assert bench.found() == set()


@covers("TDISP-FSM-019")
def test_an_error_that_nothing_caused_is_found() -> None:
    bench = Bench()

    async def life() -> None:
        await bench.started()
        bench.device.tdi_error(1, ErrorCause.DSM_FAULT)
        bench.pins()

    run(life())
    bench.finish()
    assert "TDISP-FSM-001" in bench.found()


@covers("TDISP-FSM-004")
def test_flr_hits_the_tdi_and_its_state_survives() -> None:
    bench = Bench()

    async def life() -> None:
        session = await bench.started()
        bench.write(VF1, Reg.DEVICE_CONTROL, 1 << 15)
        assert bench.device.tdi_states()[1] is TdiState.ERROR
        bench.write(VF1, Reg.DEVICE_CONTROL, 1 << 15)
        await bench.stop(session)

    run(life())
    bench.finish()
    assert bench.found() == set()


@covers("TDISP-FSM-004", "TDISP-FSM-015")
def test_a_flr_that_leads_out_of_error_is_found() -> None:
    bench = Bench()

    async def life() -> None:
        await bench.started()
        bench.write(VF1, Reg.DEVICE_CONTROL, 1 << 15)
        bench.device.dsm.event(1, Event.CONVENTIONAL_RESET)
        bench.now += 10
        bench.pins()

    run(life())
    bench.finish()
    assert "TDISP-STATE-003" in bench.found()


@covers("TDISP-START-002")
def test_a_start_that_ignores_the_nonce_is_found() -> None:
    bench = Bench()

    async def life() -> None:
        bench.configure()
        session = await bench.session()
        await bench.keys(session)
        await bench.lock(session)
        lock = bench.device.dsm.tdis[1].lock
        assert lock is not None
        lock.nonce = bytes(32)
        await bench.tdisp(session, StartInterfaceRequest(interface=VF, nonce=bytes(32)))

    run(life())
    bench.finish()
    assert {"TDISP-SES-004", "TDISP-STATE-003"} <= bench.found()


@covers("TDISP-RPT-006", "TDISP-RPT-013")
def test_a_report_without_a_range_is_found() -> None:
    bench = Bench()
    profile = bench.device.dsm.profile
    ranges: tuple[RangeProfile, ...] = profile.ranges[1:]
    bench.device.dsm.profile = replace(profile, ranges=ranges)
    run_until_found(bench)
    assert "TDISP-SES-004" in bench.found()
    assert "DEVICE_INTERFACE_REPORT" in str(bench.findings.mismatches[0])


def run_until_found(bench: Bench) -> None:
    async def life() -> None:
        await bench.started()

    run(life())


@covers("TDISP-SES-007", "TDISP-SES-008")
def test_the_end_of_the_session_takes_stream_and_tdi_down() -> None:
    bench = Bench()

    async def life() -> None:
        session = await bench.started()
        await session.end()
        bench.from_device(fail_message(PF, HOST, 7).encode())

    run(life())
    bench.finish()
    assert bench.device.tdi_states()[1] is TdiState.ERROR
    assert bench.found() == set()


@covers("IDE-ST-002", "TDISP-FSM-007")
def test_a_damaged_tlp_takes_stream_and_tdi_down() -> None:
    bench = Bench()

    async def life() -> None:
        await bench.started()
        bench.damage_a_tlp()
        bench.from_device(fail_message(PF, HOST, 7).encode())

    run(life())
    bench.finish()
    assert bench.found() == set()
    assert bench.findings.errors["IDE Check Failed"] == 1


@covers("IDE-ST-002")
def test_a_missing_ide_fail_is_found() -> None:
    bench = Bench()

    async def life() -> None:
        await bench.started()
        bench.damage_a_tlp()

    run(life())
    bench.finish()
    assert bench.found() == {"IDE-ST-002", "IDE-ST-003", "IDE-ST-004"}


@covers("IDE-ST-004", "TDISP-TRK-009")
def test_clearing_enable_takes_stream_and_tdi_down_without_a_message() -> None:
    bench = Bench()

    async def life() -> None:
        session = await bench.started()
        bench.enable_stream(False)
        await bench.stop(session)

    run(life())
    bench.finish()
    assert bench.found() == set()


@covers("IDE-KEY-003", "IDE-KEY-006")
def test_a_key_refresh_is_followed() -> None:
    bench = Bench()

    async def life() -> None:
        session = await bench.started()
        await bench.keys(session, key_set=1)
        request = Tlp.mem_read(HOST, VF_BAR0, 4, 41)
        bench.to_device(bench.host_encrypts(request))
        (answer,) = split_completions(VF1, request, ID_VALUE.to_bytes(4, "little"))
        bench.from_device(bench.device_encrypts(answer))

    run(life())
    bench.finish()
    assert bench.found() == set()


@covers("TDISP-LOCK-028")
def test_a_change_between_lock_and_its_answer_counts_after_the_lock() -> None:
    bench = Bench()

    async def life() -> None:
        bench.configure()
        session = await bench.session()
        await bench.keys(session)
        exchange = bench.device.handle_object

        def with_race(raw: bytes) -> bytes | None:
            answer = exchange(raw)
            bench.now += 10
            bench.pins()
            bench.write(VF1, Reg.COMMAND, 0)
            return answer

        bench.device.handle_object = with_race  # type: ignore[method-assign]
        await bench.lock(session)

    run(life())
    bench.finish()
    assert bench.device.tdi_states()[1] is TdiState.ERROR
    assert bench.found() == set()


@covers("TDISP-LOCK-028")
def test_a_change_before_lock_that_completes_after_it_counts_before_the_lock() -> None:
    bench = Bench()

    async def life() -> None:
        bench.configure()
        session = await bench.session()
        await bench.keys(session)
        exchange = bench.device.handle_object

        def with_race(raw: bytes) -> bytes | None:
            bench.device.config_write(VF1, Reg.COMMAND, 0)
            answer = exchange(raw)
            bench.now += 10
            bench.pins()
            bench.checker.config_write(bench.now, VF1, Reg.COMMAND, 0, 0xF)
            return answer

        bench.device.handle_object = with_race  # type: ignore[method-assign]
        await bench.lock(session)

    run(life())
    bench.finish()
    assert bench.device.tdi_states()[1] is TdiState.CONFIG_LOCKED
    assert bench.found() == set()


@covers("IDE-CAP-009")
def test_a_register_that_reads_back_wrongly_is_found() -> None:
    bench = Bench()
    bench.configure()
    address = BLOCK + SelectiveBlock.RID_ASSOCIATION_1
    bench.read(PF, address)
    assert bench.found() == set()
    bench.checker.config_read(bench.now, PF, address, 0)
    assert bench.found() == {"IDE-CAP-009"}


@covers("TDISP-FSM-014")
def test_conventional_reset_starts_again() -> None:
    bench = Bench()

    async def life() -> None:
        await bench.started()
        bench.device.reset()
        bench.checker.reset(bench.now)
        bench.pins()

    run(life())
    bench.finish()
    assert bench.found() == set()


@covers("TDISP-RPT-001")
def test_a_report_in_error_that_is_given_is_found() -> None:
    bench = Bench()

    async def life() -> None:
        session = await bench.started()
        bench.checker.config_write(bench.now, VF1, Reg.COMMAND, 0, 0xF)
        await bench.tdisp(session, GetDeviceInterfaceReport(interface=VF))

    run(life())
    assert "TDISP-SES-004" in bench.found()
