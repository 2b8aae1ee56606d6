# SPDX-License-Identifier: Apache-2.0
"""BIND and UNBIND before the whole scoreboard, and lives of translations."""

from __future__ import annotations

import pytest

from models.app.config_map import ConfigRegister as Reg
from models.app.map import Bar0, Control, Register
from models.device.config import DeviceProfile
from models.device.registers import ATS_ENABLE
from models.ide.codes import ControlBit
from models.ide.errors import InsecureCause
from models.ide.messages import fail_message
from models.ide.select import AddressAssociation
from models.pcie.ats import Span, TranslationEntry, translated, translation_request
from models.pcie.codes import SelectiveBlock
from models.pcie.rules import split_completions
from models.pcie.tlp import Tlp
from models.spdm.secure_session import SecureSession
from models.tdisp.codes import LockFlags, TdiState
from models.tdisp.interface_id import InterfaceId
from models.tdisp.messages import (
    BindP2pStreamRequest,
    GetDeviceInterfaceState,
    LockInterfaceRequest,
    LockInterfaceResponse,
    UnbindP2pStreamRequest,
)
from tb.scoreboard.timeline import RACE_NS
from tests.models.scoreboard_device import BLOCK, PF, STREAM, VF1, VF_BAR0, Bench, run
from tests.plan import attack, covers

HOST, PEER, PEER_STREAM = 0, 0x0200, 8
PEER_BLOCK = BLOCK + SelectiveBlock.SIZE
BUFFER, TARGET = 0x8000_0000, 0x4000_0000
DATA = bytes(range(1, 65))
VF = InterfaceId.of(VF1)
BIND = BindP2pStreamRequest(interface=VF, p2p_stream_id=PEER_STREAM)
UNBIND = UnbindP2pStreamRequest(interface=VF, p2p_stream_id=PEER_STREAM)


class PeerBench(Bench):
    """A device that offers P2P streams; VF 1 has ATS, register block 1 leads to a peer."""

    def __init__(self) -> None:
        super().__init__(DeviceProfile(p2p=True))
        self.tag = 60

    def configure(self) -> None:
        super().configure()
        low, limit, base = AddressAssociation(TARGET, TARGET + (1 << 20) - 1).words()
        for address, value in (
            (BLOCK + SelectiveBlock.RID_ASSOCIATION_1, 0),
            (PEER_BLOCK + SelectiveBlock.RID_ASSOCIATION_1, PEER << 8),
            (PEER_BLOCK + SelectiveBlock.RID_ASSOCIATION_2, PEER << 8 | 1),
            (PEER_BLOCK + SelectiveBlock.ADDRESS_ASSOCIATION_1, low),
            (PEER_BLOCK + SelectiveBlock.ADDRESS_ASSOCIATION_2, limit),
            (PEER_BLOCK + SelectiveBlock.ADDRESS_ASSOCIATION_3, base),
            (PEER_BLOCK + SelectiveBlock.CONTROL, control(enable=True)),
        ):
            self.write(PF, address, value)
        self.write(VF1, Reg.ATS_CONTROL, ATS_ENABLE, 0b1100)

    async def keys(self, session: SecureSession, key_set: int = 0, stream: int = STREAM) -> None:
        await super().keys(session, key_set, stream)
        if stream == STREAM:
            await super().keys(session, key_set, PEER_STREAM)

    async def lock(self, session: SecureSession) -> bytes:
        request = LockInterfaceRequest(
            interface=VF, flags=LockFlags.BIND_P2P, default_stream_id=STREAM
        )
        return LockInterfaceResponse.decode(await self.tdisp(session, request)).nonce

    # ------------------------------------------------------------------ traffic

    def owner_writes(self, offset: int, data: bytes) -> None:
        """The TVM writes to BAR0 of VF 1."""
        self.to_device(self.host_encrypts(Tlp.mem_write(HOST, VF_BAR0 + offset, data)))

    def transfer(self) -> None:
        """The TVM starts a transfer of 64 bytes to `BUFFER`."""
        self.owner_writes(Bar0.MEMORY, DATA)
        for register, value in (
            (Register.LENGTH, 64),
            (Register.HOST_ADDRESS_LOW, BUFFER),
            (Register.CONTROL, int(Control.START | Control.WRITE_HOST)),
        ):
            self.owner_writes(Bar0.REGISTERS + register, value.to_bytes(4, "little"))

    def learn(self) -> None:
        """The device asks where `BUFFER` is, the host answers."""
        self.tag += 1
        request = translation_request(VF1, BUFFER, self.tag)
        self.from_device(self.device_encrypts(request))
        raw = TranslationEntry(Span(TARGET)).encode()
        (completion,) = split_completions(HOST, request, raw)
        self.to_device(self.host_encrypts(completion))

    def send(self, block: int, first: int = 0, end: int = 64) -> None:
        """The device writes bytes of the transfer by the stream of a register block."""
        write = translated(Tlp.mem_write(VF1, BUFFER, DATA[first:end]), TARGET + first)
        self.from_device(self.device.stream_ends()[block].encrypt(write.encode(), True))


def control(*, enable: bool) -> int:
    """Stream Control of the stream to the peer."""
    fields = PEER_STREAM << ControlBit.STREAM_ID | 1 << ControlBit.TEE_LIMITED
    return fields | enable << ControlBit.ENABLE


DEFAULT, DIRECT = 0, 1


@covers("TDISP-P2P-001", "TDISP-P2P-004", "TDISP-ATS-007")
@attack("ATT-24")
@pytest.mark.parametrize("block", [DEFAULT, DIRECT])
@pytest.mark.parametrize("steps", [0, 1, 2])
def test_a_transfer_goes_to_the_peer_while_its_stream_is_bound(block: int, steps: int) -> None:
    bench = PeerBench()

    async def life() -> None:
        session = await bench.started()
        for request in (BIND, UNBIND)[:steps]:
            await bench.tdisp(session, request)
        bench.now += 2 * RACE_NS
        bench.transfer()
        bench.learn()
        bench.send(block)

    run(life())
    bench.finish()
    right = (block == DIRECT) is (steps == 1)
    assert (bench.found() == set()) is right
    assert right or "TDISP-ATS-007" in bench.found()


@covers("TDISP-P2P-001", "TDISP-P2P-004")
@pytest.mark.parametrize("block", [DEFAULT, DIRECT])
@pytest.mark.parametrize("binds", [True, False])
def test_between_request_and_answer_both_streams_may_be_used(block: int, binds: bool) -> None:
    bench = PeerBench()

    async def life() -> None:
        session = await bench.started()
        if not binds:
            await bench.tdisp(session, BIND)
        bench.now += 2 * RACE_NS
        bench.transfer()
        bench.learn()
        handle = bench.device.handle_object

        def meanwhile(raw: bytes) -> bytes | None:
            bench.send(block, 0, 32)
            answer = handle(raw)
            bench.send(block, 32, 64)
            return answer

        bench.device.handle_object = meanwhile  # type: ignore[method-assign]
        await bench.tdisp(session, BIND if binds else UNBIND)

    run(life())
    bench.finish()
    assert bench.found() == set()


@covers("TDISP-P2P-004")
def test_a_request_on_the_stream_right_after_the_answer_to_unbind_is_found() -> None:
    bench = PeerBench()

    async def life() -> None:
        session = await bench.started()
        await bench.tdisp(session, BIND)
        bench.now += 2 * RACE_NS
        bench.transfer()
        bench.learn()
        await bench.tdisp(session, UNBIND)
        bench.send(DIRECT)

    run(life())
    assert "TDISP-ATS-007" in bench.found()


@covers("TDISP-P2P-004")
@pytest.mark.parametrize("goes_on", [True, False])
def test_unbind_may_end_what_is_under_way(goes_on: bool) -> None:
    bench = PeerBench()

    async def life() -> None:
        session = await bench.started()
        await bench.tdisp(session, BIND)
        bench.now += 2 * RACE_NS
        bench.transfer()
        bench.learn()
        bench.send(DIRECT, 0, 32)
        await bench.tdisp(session, UNBIND)
        if goes_on:
            bench.send(DEFAULT, 32, 64)

    run(life())
    bench.finish()
    assert bench.found() == set()


@covers("TDISP-P2P-005", "TDISP-FSM-007")
@pytest.mark.parametrize("overlooked", [True, False])
def test_a_lost_stream_to_a_peer_takes_the_tdi_down(overlooked: bool) -> None:
    bench = PeerBench()

    async def life() -> None:
        session = await bench.started()
        await bench.tdisp(session, BIND)
        end = bench.checker.host_ends.get(PEER_STREAM)
        assert end is not None
        if overlooked:
            lock = bench.device.dsm.tdis[1].lock
            assert lock is not None
            lock.p2p_streams.clear()
        raw = bytearray(end.encrypt(Tlp.mem_read(PEER, VF_BAR0, 4, 9).encode(), True))
        raw[-1] ^= 1
        bench.to_device(bytes(raw))
        bench.device.stream_insecure(1, InsecureCause.CHECK_FAILED)
        bench.now += 100
        bench.pins()
        bench.from_device(fail_message(PF, PEER, PEER_STREAM).encode())
        await bench.tdisp(session, GetDeviceInterfaceState(interface=VF))

    run(life())
    bench.finish()
    assert bench.checker.reference.tdi_states()[1] is TdiState.ERROR
    assert ("TDISP-STATE-003" in bench.found()) is overlooked
    assert (bench.found() == set()) is not overlooked


@covers("TDISP-P2P-003", "TDISP-TRK-009")
@pytest.mark.parametrize("overlooked", [True, False])
def test_registers_of_a_bound_stream_are_tracked(overlooked: bool) -> None:
    bench = PeerBench()

    async def life() -> None:
        session = await bench.started()
        await bench.tdisp(session, BIND)
        if overlooked:
            lock = bench.device.dsm.tdis[1].lock
            assert lock is not None
            lock.p2p_streams.clear()
        bench.write(PF, PEER_BLOCK + SelectiveBlock.ADDRESS_ASSOCIATION_2, 1)
        await bench.tdisp(session, GetDeviceInterfaceState(interface=VF))

    run(life())
    bench.finish()
    assert ("TDISP-STATE-003" in bench.found()) is overlooked


@covers("TDISP-P2P-002")
def test_a_bind_that_must_be_refused_is_found_when_it_is_not() -> None:
    bench = PeerBench()

    async def life() -> None:
        session = await bench.started()
        lock = bench.checker.reference.dsm.tdis[1].lock
        assert lock is not None
        lock.flags = 0
        await bench.tdisp(session, BIND)

    run(life())
    assert "TDISP-SES-004" in bench.found()


@covers("TDISP-ATS-005", "TDISP-LOCK-020", "TDISP-STOP-003")
@attack("ATT-23")
@pytest.mark.parametrize("again", [True, False])
def test_a_translation_does_not_outlive_stop_and_lock(again: bool) -> None:
    bench = PeerBench()

    async def life() -> None:
        session = await bench.started()
        bench.learn()
        await bench.stop(session)
        nonce = await bench.lock(session)
        await bench.start(session, nonce)
        bench.now += 2 * RACE_NS
        bench.transfer()
        if again:
            bench.learn()
        bench.send(DEFAULT)

    run(life())
    bench.finish()
    assert (bench.found() == set()) is again
    assert again or "TDISP-ATS-005" in bench.found()


@covers("TDISP-FSM-011", "TDISP-FSM-017")
@pytest.mark.parametrize("to_error", [True, False])
@pytest.mark.parametrize("plain", [True, False])
def test_a_translation_completion_without_t_leads_to_error(plain: bool, to_error: bool) -> None:
    bench = PeerBench()

    async def life() -> None:
        session = await bench.started()
        request = translation_request(VF1, BUFFER, 70)
        bench.from_device(bench.device_encrypts(request))
        raw = TranslationEntry(Span(TARGET)).encode()
        (completion,) = split_completions(HOST, request, raw)
        wire = completion.encode() if plain else bench.host_encrypts(completion, t=False)
        bench.to_device(wire)
        if to_error:
            bench.device.dsm.config_change(1, bench.device.dsm.tdis[1].cause)
            bench.pins()
        await bench.tdisp(session, GetDeviceInterfaceState(interface=VF))

    run(life())
    bench.finish()
    assert (bench.found() == set()) is (to_error or plain)
