# SPDX-License-Identifier: Apache-2.0
"""A device of the models as device under test: its scoreboard sees what monitors would see."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from models.app.config_map import ConfigRegister as Reg
from models.device.config import DEFAULT_PROFILE, DeviceProfile
from models.device.device import ReferenceDevice
from models.ide.codes import ControlBit, SubStream
from models.ide.errors import InsecureCause
from models.idekm.codes import Direction as KeyDirection
from models.idekm.messages import KeyInfo, KeyProg, KSetGo
from models.pcie.codes import IdeRegister, SelectiveBlock
from models.pcie.tlp import Tlp
from models.spdm.identity import DeviceIdentity
from models.spdm.key_port import Direction, SessionKeyPort
from models.spdm.requester import SpdmRequester
from models.spdm.responder import SpdmResponder
from models.spdm.secure_session import SecureSession
from models.tdisp.codes import LockFlags
from models.tdisp.interface_id import InterfaceId
from models.tdisp.messages import (
    GetDeviceInterfaceReport,
    LockInterfaceRequest,
    LockInterfaceResponse,
    Message,
    StartInterfaceRequest,
    StopInterfaceRequest,
)
from models.tdisp.nonces import RandomNonces
from tb.scoreboard.checker import DeviceChecker
from tb.scoreboard.findings import Findings

IDENTITY = DeviceIdentity.generate(random.Random(1))
PF, VF1 = 0x0100, 0x0101
STREAM = 7
BAR0, VF_BAR0 = 0x1_0000_0000, 0x1_0100_0000
BLOCK = Reg.IDE + IdeRegister.FIRST_BLOCK
IDEKM, TDISP = 0, 1
STEP_NS = 1000.0


@dataclass(frozen=True)
class KeyWrite:
    """What a monitor of the session-key port sees."""

    op: int
    session_id: int
    direction: int = 0
    application: bool = False
    deferred: bool = False
    key: bytes = bytes(32)
    iv: bytes = bytes(12)


class TappedPort:
    """Session-key port that shows its writes."""

    def __init__(self, port: SessionKeyPort, show: Callable[[KeyWrite], None]) -> None:
        self._port = port
        self._show = show

    def load(
        self,
        session_id: int,
        direction: Direction,
        key: bytes,
        iv: bytes,
        *,
        application: bool,
        deferred: bool,
    ) -> None:
        self._show(KeyWrite(0, session_id, int(direction), application, deferred, key, iv))
        self._port.load(session_id, direction, key, iv, application=application, deferred=deferred)

    def end_session(self, session_id: int, *, deferred: bool) -> None:
        self._show(KeyWrite(1, session_id, deferred=deferred))
        self._port.end_session(session_id, deferred=deferred)

    def end_all(self) -> None:
        self._show(KeyWrite(2, 0))
        self._port.end_all()


class TappedRot:
    """Root of trust that shows its messages."""

    def __init__(self, responder: SpdmResponder, bench: Bench) -> None:
        self._responder = responder
        self._bench = bench

    def handle(self, message: bytes, session_id: int | None, /) -> bytes | None:
        self._bench.checker.control.rot_request(message, session_id)
        answer = self._responder.handle(message, session_id)
        self._bench.checker.control.rot_answer(answer)
        return answer

    def session_ended(self, session_id: int, /) -> None:
        self._bench.checker.control.tap.ended(session_id)
        self._responder.session_ended(session_id)


class Bench:
    """Host, device under test and scoreboard. `alter` changes what the device answers."""

    def __init__(self, profile: DeviceProfile = DEFAULT_PROFILE) -> None:
        self.findings = Findings()
        self.checker = DeviceChecker(self.findings, profile)
        self.now = 0.0
        entropy = random.Random(5)
        self.device = ReferenceDevice(self._rot, RandomNonces(entropy), profile)
        self.alter: Callable[[bytes], bytes | None] = lambda answer: answer
        self.host = random.Random(6)

    def _rot(self, port: SessionKeyPort) -> TappedRot:
        tapped = TappedPort(port, lambda write: self.checker.key_write(self.now, write))
        return TappedRot(SpdmResponder(IDENTITY, tapped, random.Random(2)), self)

    # ------------------------------------------------------------------ what passes

    def pins(self) -> None:
        """Monitors look at the pins."""
        secure = tuple(stream.secure for stream in self.device.stream_ends())
        self.checker.pins(self.now, self.device.tdi_states(), secure)

    async def exchange(self, doe_object: bytes) -> bytes | None:
        """Transport."""
        self.now += STEP_NS
        self.checker.doe_object(self.now, doe_object, request=True)
        answer = self.device.handle_object(doe_object)
        answer = None if answer is None else self.alter(answer)
        self.now += STEP_NS
        self.pins()
        self.now += STEP_NS
        if answer is not None:
            self.checker.doe_object(self.now, answer, request=False)
        return answer

    def write(self, rid: int, address: int, data: int, enables: int = 0xF) -> None:
        """A configuration write that the device carries out before it completes it."""
        self.now += STEP_NS
        self.device.config_write(rid, address, data, enables)
        self.pins()
        self.now += 50
        self.checker.config_write(self.now, rid, address, data, enables)

    def read(self, rid: int, address: int) -> int:
        """A configuration read."""
        self.now += STEP_NS
        value = self.device.config_read(rid, address)
        self.checker.config_read(self.now, rid, address, value)
        return value

    def to_device(self, raw: bytes) -> None:
        """A TLP reaches the device."""
        self.now += STEP_NS
        self.checker.tlp(self.now, raw, to_device=True)

    def from_device(self, raw: bytes) -> None:
        """The device sends a TLP."""
        self.now += STEP_NS
        self.checker.tlp(self.now, raw, to_device=False)

    # ------------------------------------------------------------------ life cycle

    def configure(self) -> None:
        """BARs, two VFs, memory and bus mastering, and the default stream's registers."""
        for address, value in (
            (Reg.BAR0, 0),
            (Reg.BAR1, BAR0 >> 32),
            (Reg.BAR2, 0x0200_0000),
            (Reg.BAR3, BAR0 >> 32),
            (Reg.COMMAND, 0x6),
            (Reg.SRIOV_NUM_VFS, 2),
            (Reg.SRIOV_VF_BAR0, VF_BAR0 & 0xFFFFFFFF),
            (Reg.SRIOV_VF_BAR1, VF_BAR0 >> 32),
            (Reg.SRIOV_VF_BAR2, 0x0300_0000),
            (Reg.SRIOV_VF_BAR3, VF_BAR0 >> 32),
            (Reg.SRIOV_CONTROL, 0x9),
            (BLOCK + SelectiveBlock.RID_ASSOCIATION_1, 0x00FFFF00),
            (BLOCK + SelectiveBlock.RID_ASSOCIATION_2, 1),
        ):
            self.write(PF, address, value)
        self.write(VF1, Reg.COMMAND, 0x4)
        self.enable_stream(True)

    def enable_stream(self, enable: bool) -> None:
        """Write Enable of the default stream."""
        control = (
            STREAM << ControlBit.STREAM_ID
            | 1 << ControlBit.DEFAULT_STREAM
            | 1 << ControlBit.TEE_LIMITED
            | enable << ControlBit.ENABLE
        )
        self.write(PF, BLOCK + SelectiveBlock.CONTROL, control)

    async def session(self) -> SecureSession:
        """An established session."""
        peer = SpdmRequester(self, random.Random(3), [IDENTITY.root], None)
        await peer.connect()
        await peer.get_digests()
        await peer.get_certificate()
        return await peer.start_session()

    async def keys(self, session: SecureSession, key_set: int = 0, stream: int = STREAM) -> None:
        """Program all six keys of one set and let them go."""
        for direction in KeyDirection:
            for sub_stream in SubStream:
                info = KeyInfo(key_set, direction, sub_stream)
                prog = KeyProg(stream, info, self.host.randbytes(32))
                await session.vendor_defined(IDEKM, prog.encode())
        for direction in KeyDirection:
            for sub_stream in SubStream:
                go = KSetGo(stream, KeyInfo(key_set, direction, sub_stream))
                await session.vendor_defined(IDEKM, go.encode())

    async def tdisp(self, session: SecureSession, message: Message) -> bytes:
        """One TDISP request and its answer."""
        answer = await session.vendor_defined(TDISP, message.encode())
        assert answer is not None
        return answer

    async def lock(self, session: SecureSession) -> bytes:
        """Lock VF 1; the nonce."""
        request = LockInterfaceRequest(
            interface=InterfaceId.of(VF1), flags=LockFlags.LOCK_MSIX, default_stream_id=STREAM
        )
        return LockInterfaceResponse.decode(await self.tdisp(session, request)).nonce

    async def started(self) -> SecureSession:
        """VF 1 is in RUN."""
        self.configure()
        session = await self.session()
        await self.keys(session)
        nonce = await self.lock(session)
        await self.tdisp(session, GetDeviceInterfaceReport(interface=InterfaceId.of(VF1)))
        await self.start(session, nonce)
        return session

    async def start(self, session: SecureSession, nonce: bytes) -> None:
        """Start VF 1."""
        await self.tdisp(session, StartInterfaceRequest(interface=InterfaceId.of(VF1), nonce=nonce))

    async def stop(self, session: SecureSession) -> None:
        """Stop VF 1."""
        await self.tdisp(session, StopInterfaceRequest(interface=InterfaceId.of(VF1)))

    def host_encrypts(self, tlp: Tlp, t: bool = True) -> bytes:
        """`tlp` as the host's end of the device's stream would send it."""
        end = self.checker.host_ends.get(STREAM)
        assert end is not None
        return end.encrypt(tlp.encode(), t)

    def device_encrypts(self, tlp: Tlp, t: bool = True) -> bytes:
        """`tlp` as the device sends it."""
        return self.device.stream_ends()[0].encrypt(tlp.encode(), t)

    def damage_a_tlp(self) -> None:
        """A TLP with a wrong MAC reaches the device, which takes the stream to Insecure."""
        raw = bytearray(self.host_encrypts(Tlp.mem_read(0, VF_BAR0, 4, 9)))
        raw[-1] ^= 1
        self.to_device(bytes(raw))
        self.device.stream_insecure(0, InsecureCause.CHECK_FAILED)
        self.now += 100
        self.pins()

    def finish(self) -> None:
        """The run ends."""
        self.checker.finish(self.now + STEP_NS)

    def found(self) -> set[str]:
        """Requirements of all mismatches."""
        return {name for item in self.findings.mismatches for name in item.requirements}


def run(scenario: Coroutine[Any, Any, None]) -> None:
    """Run to the end."""
    asyncio.run(scenario)
