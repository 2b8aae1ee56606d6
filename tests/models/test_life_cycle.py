# SPDX-License-Identifier: Apache-2.0
"""The whole life cycle, model against model, and what a TSM does when something is wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from models.app.config_map import ConfigRegister as Reg
from models.device.config import DEFAULT_PROFILE, project_dsm
from models.idekm.codes import Direction
from models.pcie.codes import CplStatus
from models.pcie.tlp import Tlp
from models.tdisp.codes import ErrorCause, LockFlags, TdiState
from models.tdisp.profile import DsmProfile
from models.tsm.errors import PolicyError, TsmError
from models.tsm.trace import Step, TraceKind
from tests.models.life_cycle_parties import OTHER_STREAM, STREAM, Bench, run
from tests.plan import attack, covers

U, L, R, E = TdiState
TRAFFIC = (
    Tlp.mem_write(0, 0x1000, bytes(4)),
    Tlp.mem_read(0, 0x1000, 4, 1),
    Tlp.cpl(0, Tlp.mem_read(0, 0x1000, 4, 1), CplStatus.UR),
)


@covers("TDISP-HOST-005", "TDISP-HOST-006", "TDISP-STATE-003", "IDEKM-ORD-001", "TDISP-SES-004")
def test_a_device_goes_from_discovery_to_run_and_back() -> None:
    bench = Bench()

    async def life() -> None:
        handle = await bench.to_run()
        assert bench.state() is R
        assert bench.device.stream_control.streams[0].secure
        await bench.tsm.stop(handle)
        assert bench.state() is U
        await bench.tsm.close()

    run(life())
    assert bench.device.records.session_ids == ()
    assert not bench.device.stream_control.streams[0].secure
    done = [entry.step for entry in bench.trace if entry.kind is TraceKind.DONE]
    assert done == [
        Step.DISCOVER,
        Step.CONNECT,
        Step.AUTHENTICATE,
        Step.SESSION,
        Step.MEASURE,
        Step.QUERY,
        Step.KEYS,
        Step.GO,
        Step.INTERFACE,
        Step.LOCK,
        Step.REPORT,
        Step.APPROVE,
        Step.START,
        Step.STOP,
        Step.CLOSE,
    ]


@covers("TDISP-SES-004", "TDISP-ZERO-002", "IDEKM-SEC-001")
def test_the_trace_tells_every_message_and_no_secret() -> None:
    bench = Bench()
    tenant = bench.tenant()
    nonces: list[bytes] = []
    keep = tenant.tvm.keep_nonce

    def note(nonce: bytes) -> None:
        nonces.append(nonce)
        keep(nonce)

    tenant.tvm.keep_nonce = note  # type: ignore[method-assign]
    run(bench.tsm.bring_up(bench.assignment(), tenant, bench.host.pf_rid))
    lines = bench.lines(TraceKind.REQUEST)
    assert lines[:5] == ["DOE Discovery"] * 3 + ["SPDM GET_VERSION", "SPDM GET_CAPABILITIES"]
    assert "KEY_PROG stream 5 K0 RX PR" in lines
    assert "GET_TDISP_VERSION 01:00.1" in lines
    flags = "flags NO_FW_UPDATE|LOCK_MSIX, offset 0x700000000000"
    assert f"LOCK_INTERFACE_REQUEST 01:00.1: stream 5, {flags}" in lines
    answers = bench.lines(TraceKind.RESPONSE)
    assert "DEVICE_INTERFACE_STATE 01:00.1: RUN" in answers
    assert len(answers) == len(lines)
    text = "\n".join(entry.text for entry in bench.trace)
    assert nonces[0].hex() not in text


@covers("IDEKM-ORD-001", "IDE-KEY-002")
def test_receivers_get_go_before_transmitters() -> None:
    bench = Bench()
    order: list[tuple[str, Direction]] = []
    device_go, host_go = bench.device.stream_control.go, bench.host.key_go

    def on_device(stream_id: int, slot: object) -> None:
        order.append(("device", slot.direction))  # type: ignore[attr-defined]
        device_go(stream_id, slot)  # type: ignore[arg-type]

    async def on_host(stream_id: int, info: object) -> None:
        order.append(("host", info.direction))  # type: ignore[attr-defined]
        await host_go(stream_id, info)  # type: ignore[arg-type]

    bench.device.stream_control.go = on_device  # type: ignore[method-assign]
    bench.host.key_go = on_host  # type: ignore[method-assign]
    run(bench.to_run())
    assert [direction for _, direction in order] == [Direction.RX] * 6 + [Direction.TX] * 6
    assert {who for who, _ in order[:6]} == {"device", "host"}


@covers("TDISP-HOST-003", "IDEKM-KP-002")
def test_both_ends_of_the_stream_have_the_same_keys() -> None:
    bench = Bench()
    run(bench.to_run())
    device, host = bench.device.stream_control.streams[0], bench.host.root_port[STREAM]
    tlp = Tlp.mem_write(0, 0x1000, bytes(range(16))).encode()
    for sender, receiver in ((host, device), (device, host)):
        assert receiver.decrypt(sender.encrypt(tlp, True))[:2] == (tlp, True)


@covers("IDE-KEY-006", "TDISP-HOST-003")
def test_keys_are_refreshed_while_the_tdi_runs() -> None:
    bench = Bench()

    async def life() -> None:
        handle = await bench.to_run()
        for _ in range(2):
            await bench.tsm.refresh_keys(STREAM)
            device, host = bench.device.stream_control.streams[0], bench.host.root_port[STREAM]
            for tlp in TRAFFIC:
                host.decrypt(device.encrypt(tlp.encode(), True))
                device.decrypt(host.encrypt(tlp.encode(), True))
            await bench.tsm.check_state(handle, R)

    run(life())
    assert bench.state() is R


@covers("TDISP-STATE-004", "TDISP-LOCK-029")
def test_two_tdis_share_a_session_and_a_stream() -> None:
    bench = Bench()

    async def life() -> None:
        first = await bench.to_run(1)
        second = await bench.to_run(2)
        assert bench.device.tdi_states() == (U, R, R, U)
        await bench.tsm.stop(first)
        assert bench.device.tdi_states() == (U, U, R, U)
        await bench.tsm.check_state(second, R)
        await bench.tsm.close()

    run(life())
    assert bench.device.tdi_states() == (U, U, U, U)


@covers("TDISP-STOP-006", "TDISP-LOCK-018")
def test_the_next_tenant_gets_a_lock_of_its_own() -> None:
    bench = Bench()

    async def life() -> None:
        for _ in range(3):
            handle = await bench.to_run()
            await bench.tsm.stop(handle)
        await bench.tsm.close()
        await bench.to_run()

    run(life())
    assert bench.state() is R


# ---------------------------------------------------------------------- what the TSM refuses


def refused(bench: Bench, requirement: str) -> None:
    """The life cycle must end with this finding, and with everything taken down."""
    with pytest.raises(PolicyError) as caught:
        run(bench.to_run())
    assert caught.value.requirement == requirement, caught.value
    all_down(bench)


def all_down(bench: Bench) -> None:
    """Nothing is left of a life cycle that failed (TDISP-HOST-009)."""
    assert R not in bench.device.tdi_states()
    assert L not in bench.device.tdi_states()
    assert all(not stream.secure for stream in bench.device.stream_control.streams)
    assert all(not stream.secure for stream in bench.host.root_port.values())
    assert bench.device.records.session_ids == ()
    assert bench.tsm.session is None
    assert bench.lines(TraceKind.FAILED)


@covers("TDISP-HOST-001", "TDISP-HOST-009")
def test_a_device_without_tee_io_is_refused() -> None:
    bench = Bench()

    async def no() -> bool:
        return False

    bench.host.tee_io_supported = no  # type: ignore[method-assign]
    refused(bench, "TDISP-HOST-001")


@covers("TDISP-HOST-002", "TDISP-HOST-009")
def test_query_answers_that_differ_from_configuration_space_are_refused() -> None:
    for at in (0, 4, 12, 16, 24, 40):
        bench = Bench()
        good = bench.device.ide_registers

        async def lie(at: int = at, good: Callable[[], bytes] = good) -> bytes:
            registers = bytearray(good())
            registers[at + 1] ^= 0x80
            return bytes(registers)

        bench.host.ide_registers = lie  # type: ignore[method-assign]
        refused(bench, "TDISP-HOST-002")


@covers("TDISP-HOST-002")
def test_a_stream_that_is_not_the_default_is_refused() -> None:
    bench = Bench()
    with pytest.raises(PolicyError, match="default stream"):
        run(bench.tsm.bring_up(bench.assignment(stream_id=OTHER_STREAM), bench.tenant(), 0x100))
    all_down(bench)


@covers("TDISP-HOST-005", "TDISP-HOST-009")
def test_a_stream_that_does_not_turn_secure_is_refused() -> None:
    bench = Bench()
    go = bench.device.stream_control.go
    bench.device.stream_control.go = (  # type: ignore[method-assign]
        lambda stream_id, slot: None if slot.sub_stream == 2 else go(stream_id, slot)
    )
    refused(bench, "TDISP-HOST-005")


@covers("TDISP-HOST-007")
@pytest.mark.parametrize("offset", [-(1 << 33), 0x7FFF_FFFF_FFFF_F001, 8])
def test_an_offset_that_overflows_is_refused_before_lock(offset: int) -> None:
    bench = Bench()
    assignment = bench.assignment(mmio_reporting_offset=offset)
    with pytest.raises(PolicyError, match="TDISP-HOST-007"):
        run(bench.tsm.bring_up(assignment, bench.tenant(), bench.host.pf_rid))
    assert "LOCK_INTERFACE_REQUEST" not in "".join(bench.lines(TraceKind.REQUEST))
    all_down(bench)


@covers("TDISP-HOST-004", "TDISP-HOST-009")
@attack("ATT-07")
def test_a_bar_that_is_not_where_the_vmm_says_is_refused() -> None:
    bench = Bench()
    bars = {bar: base + 0x10_0000 for bar, base in bench.host.bars(1).items()}
    with pytest.raises(PolicyError, match="lies outside BAR0"):
        run(bench.tsm.bring_up(bench.assignment(bars=bars), bench.tenant(), bench.host.pf_rid))
    all_down(bench)


@covers("TDISP-HOST-006", "TDISP-HOST-009")
@attack("ATT-07")
def test_a_tdi_does_not_run_when_its_tenant_objects() -> None:
    bench = Bench()
    tenant = bench.tenant()
    tenant.mapping = replace(tenant.mapping, ranges=tenant.mapping.ranges[::-1])
    with pytest.raises(PolicyError, match="TDISP-HOST-006"):
        run(bench.tsm.bring_up(bench.assignment(), tenant, bench.host.pf_rid))
    all_down(bench)
    assert "START_INTERFACE_REQUEST" not in "".join(bench.lines(TraceKind.REQUEST))


@covers("TDISP-HOST-006")
def test_a_tdi_does_not_start_before_its_report_was_read() -> None:
    bench = Bench()

    async def life() -> None:
        await bench.tsm.connect()
        await bench.tsm.protect(STREAM, bench.host.pf_rid)
        handle = await bench.tsm.attach(bench.assignment())
        tenant = bench.tenant()
        await bench.tsm.lock(handle, tenant)
        await bench.tsm.start(handle, tenant)

    with pytest.raises(TsmError, match="report has not been read"):
        run(life())
    all_down(bench)


DSM_LIES: list[tuple[str, DsmProfile]] = [
    ("TDISP-CAP-004", replace(project_dsm(4), dsm_caps=1)),
    ("TDISP-CAP-006", replace(project_dsm(4), num_req_this=0)),
    ("TDISP-CAP-006", replace(project_dsm(4), num_req_this=2)),
    ("TDISP-CAP-007", replace(project_dsm(4), lock_flags=LockFlags.NO_FW_UPDATE)),
    ("TDISP-CAP-001", replace(project_dsm(4), dev_addr_width=40)),
]


@covers("TDISP-CAP-001", "TDISP-CAP-004", "TDISP-CAP-006", "TDISP-CAP-007", "TDISP-HOST-009")
@pytest.mark.parametrize(("requirement", "profile"), DSM_LIES)
def test_capabilities_that_make_no_sense_are_refused(requirement: str, profile: DsmProfile) -> None:
    refused(Bench(replace(DEFAULT_PROFILE, dsm_profile=profile)), requirement)


@covers("TDISP-HOST-005", "TDISP-HOST-009")
def test_a_tdi_that_is_not_unlocked_at_first_is_refused() -> None:
    bench = Bench()

    async def life() -> None:
        await bench.to_run()
        await bench.tsm.attach(bench.assignment())

    with pytest.raises(PolicyError, match="is RUN, not CONFIG_UNLOCKED"):
        run(life())
    all_down(bench)


@covers("TDISP-HOST-005", "TDISP-HOST-009", "TDISP-FSM-001")
@attack("ATT-04")
def test_a_change_between_lock_and_start_ends_everything() -> None:
    bench = Bench()
    tenant = bench.tenant()
    review = tenant.review

    def move_then_review(*args: object) -> object:
        bench.host.write(Reg.SRIOV_VF_BAR0, 0x2000_0000)
        return review(*args)  # type: ignore[arg-type]

    tenant.review = move_then_review  # type: ignore[method-assign,assignment]
    with pytest.raises(TsmError, match="INVALID_INTERFACE_STATE"):
        run(bench.tsm.bring_up(bench.assignment(), tenant, bench.host.pf_rid))
    assert bench.state() is U
    all_down(bench)


@covers("TDISP-HOST-009")
def test_no_answer_is_a_failure_wherever_it_comes() -> None:
    whole = Bench()
    run(whole.to_run())
    for lost in range(len(whole.transport.objects)):
        bench = Bench()
        bench.transport.answer = lambda raw, bench=bench, lost=lost: (  # type: ignore[misc]
            None if len(bench.transport.objects) == lost else raw
        )
        with pytest.raises(TsmError):
            run(bench.to_run())
        assert R not in bench.device.tdi_states()
        assert bench.tsm.session is None
        assert all(not stream.secure for stream in bench.device.stream_control.streams)


@covers("TDISP-HOST-009")
def test_a_tsm_that_failed_can_begin_again() -> None:
    bench = Bench()
    bench.transport.answer = lambda raw: None if len(bench.transport.objects) == 30 else raw

    async def life() -> None:
        with pytest.raises(TsmError):
            await bench.to_run()
        bench.transport.answer = lambda raw: raw
        await bench.to_run()

    run(life())
    assert bench.state() is R


@covers("TDISP-HOST-005")
def test_a_running_tdi_that_fell_to_error_is_found() -> None:
    bench = Bench()

    async def life() -> None:
        handle = await bench.to_run()
        bench.device.tdi_error(1, ErrorCause.COMPLETION)
        await bench.tsm.check_state(handle, R)

    with pytest.raises(PolicyError, match="is ERROR, not RUN"):
        run(life())
    assert bench.state() is U


@covers("TDISP-HOST-003", "TDISP-HOST-009")
@attack("ATT-21")
def test_a_key_is_never_used_twice() -> None:
    bench = Bench()

    class Stuck:
        def randbytes(self, n: int, /) -> bytes:
            return bytes(n)

    bench.tsm._factory._entropy = Stuck()
    refused(bench, "TDISP-HOST-003")
