# SPDX-License-Identifier: Apache-2.0
"""What the end of a session, another session, a reset and FLR do to the reference device."""

from __future__ import annotations

import pytest

from models.doe.codes import ObjectType
from models.doe.objects import DataObject
from models.ide.errors import InsecureCause
from models.ide.keys import ALL_SLOTS
from models.idekm.codes import PROTOCOL_ID as IDEKM
from models.idekm.messages import Query
from models.spdm.codes import Aead, Capability, TableType
from models.spdm.codes import ErrorCode as SpdmErrorCode
from models.spdm.codes import Response as SpdmResponse
from models.spdm.errors import ErrorResponseError, NoResponseError, SessionError
from models.spdm.messages import (
    Algorithms,
    AlgorithmTable,
    Capabilities,
    GetVersion,
    VendorDefinedRequest,
)
from models.tdisp.codes import PROTOCOL_ID, ErrorCause, ErrorCode, TdiState
from models.tdisp.interface_id import InterfaceId
from models.tdisp.messages import (
    DeviceInterfaceState,
    ErrorResponse,
    GetDeviceInterfaceState,
    GetTdispVersion,
    LockInterfaceRequest,
    StartInterfaceRequest,
    StopInterfaceRequest,
    StopInterfaceResponse,
    TdispVersion,
)
from models.tsm.errors import PolicyError
from models.tsm.policy import NEEDED_FLAGS, Policy
from tests.hits import sample
from tests.models.life_cycle_parties import STREAM, Bench, interface, run, tdisp
from tests.plan import attack, covers

U, L, R, E = TdiState


async def stopped(bench: Bench) -> None:
    """A session other than the one of the lock can stop a TDI in ERROR."""
    session = await bench.plain_session()
    answer = await tdisp(session, StopInterfaceRequest(interface=interface(bench)))
    assert isinstance(answer, StopInterfaceResponse)
    assert bench.state() is U


@covers("TDISP-SES-007", "TDISP-SES-008", "SPDM-SES-002")
@attack("ATT-17")
@pytest.mark.parametrize("way", ["END_SESSION", "GET_VERSION", "bad record", "time-out"])
def test_a_session_that_ends_takes_its_tdis_and_streams_along(way: str) -> None:
    bench = Bench()

    async def life() -> None:
        await bench.to_run()
        session = bench.tsm.session
        assert session is not None
        if way == "END_SESSION":
            await session.end()
        elif way == "GET_VERSION":
            plain = DataObject(ObjectType.SPDM, GetVersion().encode()).encode()
            await bench.transport.exchange(plain)
        elif way == "bad record":
            bench.transport.request = lambda raw: raw[:20] + bytes((raw[20] ^ 1,)) + raw[21:]
            body = GetDeviceInterfaceState(interface=interface(bench)).encode()
            with pytest.raises(ErrorResponseError):
                await session.vendor_defined(PROTOCOL_ID, body)
            bench.transport.request = lambda raw: raw
        else:
            bench.device.end_session(session.session_id)
        assert bench.device.tdi_states() == (U, E, U, U)
        assert bench.device.dsm.tdis[1].cause is ErrorCause.SESSION_END
        stream = bench.device.stream_control.streams[0]
        assert not stream.secure
        assert stream.cause is InsecureCause.SESSION_ENDED
        assert not any(stream.keys.programmed(slot) for slot in ALL_SLOTS)
        await stopped(bench)

    run(life())


@covers("TDISP-SES-010", "IDEKM-KP-006", "TDISP-SES-005", "TDISP-SES-006")
@attack("ATT-16")
def test_a_second_session_cannot_touch_what_the_first_has_locked() -> None:
    bench = Bench()

    async def life() -> None:
        await bench.to_run()
        second = await bench.second_session()
        name = interface(bench)
        for request, code in (
            (StopInterfaceRequest(interface=name), ErrorCode.INVALID_REQUEST),
            (
                StartInterfaceRequest(interface=name, nonce=bytes(32)),
                ErrorCode.INVALID_INTERFACE_STATE,
            ),
            (
                LockInterfaceRequest(interface=name, default_stream_id=STREAM),
                ErrorCode.INVALID_INTERFACE_STATE,
            ),
        ):
            answer = await tdisp(second, request)
            assert isinstance(answer, ErrorResponse)
            assert answer.error == code
        state = await tdisp(second, GetDeviceInterfaceState(interface=name))
        assert isinstance(state, DeviceInterfaceState)
        assert state.state == R
        other = InterfaceId.of(bench.host.rid(2))
        refused = await tdisp(second, LockInterfaceRequest(interface=other, default_stream_id=5))
        assert isinstance(refused, ErrorResponse)
        assert refused.error == ErrorCode.INVALID_REQUEST
        assert await second.vendor_defined(IDEKM, Query(0).encode()) is not None
        await second.end()

    run(life())
    assert bench.state() is R
    assert bench.device.stream_control.streams[0].secure


@covers("TDISP-FSM-014", "TDISP-STATE-002", "TDISP-ZERO-003")
def test_conventional_reset_leaves_nothing() -> None:
    bench = Bench()

    async def life() -> None:
        await bench.to_run()
        session = bench.tsm.session
        assert session is not None
        bench.device.reset()
        with pytest.raises(NoResponseError):
            await session.heartbeat()
        assert bench.device.tdi_states() == (U, U, U, U)
        assert bench.device.records.session_ids == ()
        assert bench.device.stream_control.views()[0].owner is None
        assert bench.device.functions()[0].bar0 == 0

    run(life())
    assert bench.device.scrub_count(1) == 1


@covers("TDISP-SES-009", "TDISP-FSM-004", "TDISP-FSM-005")
@attack("ATT-27")
def test_flr_of_a_vf_ends_neither_session_nor_stream_that_of_the_pf_ends_streams() -> None:
    bench = Bench()

    async def life() -> None:
        await bench.to_run(1)
        await bench.to_run(2)
        bench.device.flr(1)
        assert bench.device.tdi_states() == (U, E, R, U)
        assert bench.device.stream_control.streams[0].secure
        session = bench.tsm.session
        assert session is not None
        answer = await tdisp(session, GetTdispVersion(interface=interface(bench)))
        assert isinstance(answer, TdispVersion)
        bench.device.flr(0)
        assert bench.device.tdi_states() == (U, E, E, U)
        assert not bench.device.stream_control.streams[0].secure
        name = InterfaceId.of(bench.host.pf_rid)
        answer = await tdisp(session, GetTdispVersion(interface=name))
        assert isinstance(answer, TdispVersion)

    run(life())


@covers("TDISP-LOCK-018", "TDISP-LOCK-016")
def test_nonces_of_a_device_under_test_go_into_the_prediction() -> None:
    bench = Bench()

    async def life() -> None:
        handle = await bench.to_run()
        await bench.tsm.stop(handle)
        session = bench.tsm.session
        assert session is not None
        lock = LockInterfaceRequest(interface=interface(bench), default_stream_id=STREAM)
        bench.device.learn_nonce(None)
        refused = await tdisp(session, lock)
        assert isinstance(refused, ErrorResponse)
        assert refused.error == ErrorCode.INSUFFICIENT_ENTROPY
        bench.device.learn_nonce(b"\xab" * 32)
        raw = await session.vendor_defined(PROTOCOL_ID, lock.encode())
        assert raw is not None
        assert raw[16:] == b"\xab" * 32

    run(life())
    assert bench.device.bound_stream(1) == STREAM
    assert not bench.device.msix_locked(1)


@covers("SPDM-SES-002")
def test_a_requester_knows_that_its_session_is_over() -> None:
    bench = Bench()

    async def life() -> None:
        await bench.tsm.connect()
        session = bench.tsm.session
        assert session is not None
        await session.end()
        with pytest.raises(SessionError):
            await session.vendor_defined(PROTOCOL_ID, b"")

    run(life())


@covers("TDISP-FSM-006", "TDISP-FSM-015", "TDISP-ZERO-005")
@attack("ATT-27")
def test_flr_resets_registers_but_neither_state_nor_lock() -> None:
    bench = Bench()

    async def life() -> None:
        await bench.to_run(1)
        bench.device.flr(1)
        assert not bench.device.functions()[1].bus_master
        session = bench.tsm.session
        assert session is not None
        for _ in range(2):
            state = await tdisp(session, GetDeviceInterfaceState(interface=interface(bench)))
            assert isinstance(state, DeviceInterfaceState)
            assert state.state == E
            bench.device.flr(1)
        assert bench.device.scrub_count(1) == 0
        assert bench.device.msix_locked(1)
        await tdisp(session, StopInterfaceRequest(interface=interface(bench)))
        assert (bench.state(), bench.device.scrub_count(1)) == (U, 1)

    run(life())


def algorithms(aead: int) -> Algorithms:
    """A selection with this AEAD."""
    return Algorithms(
        measurement_hash=4,
        base_asym=0x80,
        base_hash=2,
        tables=(AlgorithmTable(TableType.AEAD, aead),),
    )


def capabilities(flags: int) -> Capabilities:
    """What a device says about itself."""
    return Capabilities(ct_exponent=20, flags=flags, data_transfer_size=4096, max_message_size=4096)


@covers("TDISP-SES-013", "TDISP-HOST-001")
@pytest.mark.parametrize("aead", [0, Aead.AES_128_GCM, Aead.CHACHA20_POLY1305])
def test_a_session_without_aes_256_gcm_is_not_used(aead: int) -> None:
    known = capabilities(NEEDED_FLAGS)
    Policy().check_device(True, known, algorithms(Aead.AES_256_GCM))
    with pytest.raises(PolicyError, match="AES-256-GCM"):
        Policy().check_device(True, known, algorithms(aead))
    sample("rule", "AEAD of the session", str(Aead(aead).name or "none"), "any", "refused")


@covers("TDISP-HOST-001")
@pytest.mark.parametrize("lacking", list(NEEDED_FLAGS))
def test_a_device_without_a_needed_capability_is_not_used(lacking: Capability) -> None:
    with pytest.raises(PolicyError, match="TDISP-HOST-001"):
        Policy().check_device(
            True, capabilities(NEEDED_FLAGS & ~lacking), algorithms(Aead.AES_256_GCM)
        )
    sample("rule", "SPDM capabilities", f"no {Capability(lacking).name}", "any", "refused")
    with pytest.raises(PolicyError, match="not connected"):
        Policy().check_device(True, None, None)


@covers("SEC-REC-004", "SEC-REC-007")
def test_a_record_without_a_length_ends_its_session() -> None:
    bench = Bench()

    async def life() -> None:
        await bench.to_run()
        session = bench.tsm.session
        assert session is not None
        record = session.session_id.to_bytes(4, "little")
        answer = await bench.transport.exchange(
            DataObject(ObjectType.SECURED_SPDM, record).encode()
        )
        assert answer is not None
        assert session.session_id not in bench.device.records.session_ids
        assert bench.device.tdi_states() == (U, E, U, U)

    run(life())


@covers("SPDM-VCA-002")
def test_tdisp_under_another_spdm_version_is_a_version_mismatch() -> None:
    bench = Bench()

    async def life() -> None:
        session = await bench.plain_session()
        body = GetDeviceInterfaceState(interface=interface(bench)).encode()
        message = VendorDefinedRequest(version=0x13, protocol_id=PROTOCOL_ID, body=body).encode()
        answer = await session.request(message)
        assert answer is not None
        assert answer[1:3] == bytes((SpdmResponse.ERROR, SpdmErrorCode.VERSION_MISMATCH))

    run(life())


@covers("SPDM-SES-003", "SEC-REC-007")
def test_a_session_that_ends_under_way_gets_no_answer() -> None:
    bench = Bench()

    async def life() -> None:
        session = await bench.plain_session()
        records, rot = bench.device.records, bench.device.rot
        answer = rot.handle

        def ends(message: bytes, session_id: int | None) -> bytes | None:
            records.end_session(session.session_id, deferred=False)
            return answer(message, session_id)

        rot.handle = ends  # type: ignore[method-assign]
        assert await session.request(GetVersion().encode()) is None

    run(life())
