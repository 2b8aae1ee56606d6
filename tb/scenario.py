# SPDX-License-Identifier: Apache-2.0
"""The parts that a system test plays with, and the steps of an attach on real protocol bytes."""

from __future__ import annotations

import os
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cocotb.triggers import Timer

from models.host.memory import VMM, HostMemory, Owner, OwnerKind, Region
from models.ide.codes import SubStream
from models.ide.errors import InsecureCause
from models.ide.keys import KeySlot
from models.ide.stream import IdeStream, StreamConfig
from models.idekm.codes import PROTOCOL_ID as IDE_KM
from models.idekm.codes import Direction, ObjectId
from models.idekm.key_order import key_to_wire
from models.spdm.identity import DeviceIdentity
from models.spdm.key_log import LoggedSecret
from models.spdm.key_port import SessionKeyPort
from models.spdm.requester import SpdmRequester
from models.spdm.responder import SpdmResponder
from models.spdm.responder_state import ResponderConfig
from models.spdm.secure_session import SecureSession
from models.tdisp.codes import (
    NONCE_SIZE,
    PROTOCOL_ID,
    VERSION_1_0,
    ErrorCode,
    LockFlags,
    RangeAttributes,
    Request,
    Response,
)
from models.tdisp.interface_id import InterfaceId
from models.tdisp.report import MmioRange, reported_page
from tb.host.root_port import HostRootPort
from tb.host.route import PLAIN, Route
from tb.host.vmm_host import FunctionAddress, VmmHost
from tb.scoreboard.function_shadow import clearing_ns

if TYPE_CHECKING:
    from tb.env import TdispEnv

DEFAULT_STREAM = 5  # Stream ID in register block 0
OTHER_STREAM = 6  # Stream ID in register block 1
STREAM_BLOCKS = {DEFAULT_STREAM: 0, OTHER_STREAM: 1}
IFV_WIRE = bytes.fromhex("0000000001000000")
FEW_FUNCTIONS = 8  # a device with no more than this has the TVM at the first VF

TVM = Owner(OwnerKind.TVM, "TVM")
LEGACY = Owner(OwnerKind.LEGACY, "legacy VM")
TVM_MEMORY = Region(0x0100_0000, 0x1_0000, TVM)
LEGACY_MEMORY = Region(0x0200_0000, 0x1_0000, LEGACY)
VMM_MEMORY = Region(0x0300_0000, 0x1_0000, VMM)
TVM_INTERRUPTS = Region(0x0FEE_0000, 0x1000, TVM, interrupts=True)
LEGACY_INTERRUPTS = Region(0x0FEF_0000, 0x1000, LEGACY, interrupts=True)
PEER_RID = 0x0200  # a device behind the same switch, which OTHER_STREAM can lead to
PEER_MEMORY = Region(0x4000_0000, 0x10_0000, TVM)
REGIONS = (TVM_MEMORY, LEGACY_MEMORY, VMM_MEMORY, TVM_INTERRUPTS, LEGACY_INTERRUPTS)


@dataclass(frozen=True)
class RootOfTrust:
    """Identity of the device and the entropy of its SPDM responder."""

    identity: DeviceIdentity
    rng: random.Random
    config: ResponderConfig = field(default_factory=ResponderConfig)
    secrets: list[LoggedSecret] = field(default_factory=list)  # of its sessions

    def responder(self, key_port: SessionKeyPort) -> SpdmResponder:
        """The responder behind `key_port`."""
        return SpdmResponder(
            self.identity, key_port, self.rng, self.config, key_log=self.secrets.append
        )


def make_root_of_trust(rng: random.Random, config: ResponderConfig | None = None) -> RootOfTrust:
    """A fresh identity; all its randomness comes from `rng`."""
    identity = DeviceIdentity.generate(rng)
    return RootOfTrust(identity, random.Random(rng.getrandbits(64)), config or ResponderConfig())


@dataclass(frozen=True)
class TdispAnswer:
    """A TDISP response: its code, its payload after the header, and the error if it is one."""

    code: int
    payload: bytes
    error: ErrorCode | None = None
    error_data: int = 0


@dataclass
class Attached:
    """A TDI that went through LOCK: nonce and the function it is."""

    function: FunctionAddress
    nonce: bytes
    index: int
    history: list[str] = field(default_factory=list)


class Scenario:
    """VMM, TSM's session and TVM traffic around one environment.

    `certificate_known`: the TSM has read the certificate of the device before. With KEYLOG it has
    not, for whoever decrypts a capture needs the certificate in it.
    """

    def __init__(self, env: TdispEnv, root: RootOfTrust, rng: random.Random) -> None:
        self.env = env
        self.root = root
        self.rng = rng
        self.tee = Route(DEFAULT_STREAM, True)
        self._vmm: VmmHost | None = None
        self._enabled_vfs = 0
        self.requester: SpdmRequester | None = None
        self.certificate_known = not os.environ.get("KEYLOG")

    # ------------------------------------------------------------------ who is there

    @property
    def host(self) -> HostRootPort:
        """The root port."""
        return self.env.host

    @property
    def memory(self) -> HostMemory:
        """The host's memory; `bring_up` fills it with REGIONS."""
        return self.host.memory

    @property
    def vmm(self) -> VmmHost:
        """The VMM's hands on the device."""
        if self._vmm is None:
            self._vmm = VmmHost(self.env.host)
        return self._vmm

    @property
    def sdi_pasids(self) -> range:
        """The PASIDs of the SDIs of a device that has SDIs in place of VFs."""
        return self.env.scoreboard.checker.reference.profile.sdi_pasids

    def function(self, index: int) -> FunctionAddress:
        """Function 0 is the PF, n is VF n or SDI n."""
        return self.vmm.functions[index]

    @property
    def vfs(self) -> int:
        """How many VFs or SDIs the device has."""
        return int(self.env.adapter.num_tdi) - 1

    @property
    def tvm_function(self) -> int:
        """The function of the TVM: VF1, in a large device the last VF, without VFs the PF."""
        return min(1, self.vfs) if self.vfs < FEW_FUNCTIONS else self.vfs

    @property
    def legacy_functions(self) -> list[int]:
        """The functions of legacy VMs: all other VFs."""
        return [index for index in range(1, self.vfs + 1) if index != self.tvm_function]

    # ------------------------------------------------------------------ set-up

    async def bring_up(self, vfs: int | None = None) -> None:
        """Enumerate, enable `vfs` VFs or all, place both IDE streams, give memory its owners."""
        self._enabled_vfs = self.vfs if vfs is None else vfs
        await self.vmm.enumerate()
        await self._enable()
        for region in REGIONS:
            self.memory.add(region)
        for index in self.legacy_functions:
            if index <= self._enabled_vfs:
                function = self.function(index)
                self.host.inbound.check.assign(LEGACY, function.rid, function.pasid)

    async def wait_cleared(self) -> None:
        """Wait as software does after a reset, until no function is being cleared."""
        await Timer(clearing_ns(self.env.adapter.num_tdi), "ns")

    async def bring_up_again(self) -> None:
        """What a reset of the device undoes: BARs, Command, VFs, placing of the IDE streams."""
        await self.vmm.restore()
        await self._enable()

    async def _enable(self) -> None:
        if self.sdi_pasids:
            self.vmm.find_sdis(self.sdi_pasids)
            await self.vmm.enable_pasid()
        elif self._enabled_vfs:
            await self.vmm.enable_vfs(self._enabled_vfs)
        await self.vmm.place_stream(STREAM_BLOCKS[DEFAULT_STREAM], DEFAULT_STREAM, default=True)
        await self.vmm.place_stream(STREAM_BLOCKS[OTHER_STREAM], OTHER_STREAM, default=False)

    async def connect(self) -> SpdmRequester:
        """SPDM connection and certificate; needed before a session.

        A certificate that is known is not read again, which would take a third of the way from
        reset to RUN: the digest tells that it is still the one of the device.
        """
        self.requester = SpdmRequester(self.env.doe, self.rng, [self.root.identity.root])
        await self.requester.connect()
        await self.requester.get_digests()
        if self.certificate_known:
            self.requester.know_certificate(self.root.identity.chain)
        else:
            await self.requester.get_certificate()
        return self.requester

    async def open_session(self) -> SecureSession:
        """A secured session past FINISH."""
        requester = self.requester or await self.connect()
        return await requester.start_session()

    # ------------------------------------------------------------------ IDE_KM

    async def ide_km(self, session: SecureSession, body: bytes) -> bytes | None:
        """One IDE_KM object, both without the protocol id."""
        return await session.vendor_defined(IDE_KM, body)

    async def program_key(
        self, session: SecureSession, stream_id: int, slot: KeySlot, key: bytes
    ) -> bytes | None:
        """KEY_PROG; `slot` is seen from the device. The answer, or None."""
        head = bytes([ObjectId.KEY_PROG, 0, 0, stream_id, 0, _key_info(slot), 0])
        return await self.ide_km(session, head + key_to_wire(key) + IFV_WIRE)

    async def key_set(
        self, session: SecureSession, object_id: ObjectId, stream_id: int, slot: KeySlot
    ) -> bytes | None:
        """K_SET_GO or K_SET_STOP."""
        return await self.ide_km(
            session, bytes([object_id, 0, 0, stream_id, 0, _key_info(slot), 0])
        )

    async def key_stream(
        self, session: SecureSession, stream_id: int = DEFAULT_STREAM, key_set: int = 0
    ) -> IdeStream:
        """Program fresh keys at both ends, receivers' GO before transmitters', and enable."""
        stream = IdeStream(StreamConfig(stream_id))
        self.host.streams[stream_id] = stream
        slots = [KeySlot(d, sub, key_set) for d in Direction for sub in SubStream]
        for slot in slots:
            key = self.rng.randbytes(32)
            await self.program_key(session, stream_id, slot, key)
            self.host.program(stream_id, _partner(slot), key)
        for slot in slots:
            await self.key_set(session, ObjectId.K_SET_GO, stream_id, slot)
            stream.go(_partner(slot))
        stream.enable()
        default = stream_id == DEFAULT_STREAM
        await self.vmm.enable_stream(STREAM_BLOCKS[stream_id], stream_id, default=default)
        return stream

    async def refresh_keys(
        self, session: SecureSession, key_set: int, stream_id: int = DEFAULT_STREAM
    ) -> None:
        """Move to `key_set` under traffic: receivers of both ports before the transmitters."""
        stream = self.host.streams[stream_id]
        slots = {d: [KeySlot(d, sub, key_set) for sub in SubStream] for d in Direction}
        for slot in (*slots[Direction.RX], *slots[Direction.TX]):
            key = self.rng.randbytes(32)
            await self.program_key(session, stream_id, slot, key)
            self.host.program(stream_id, _partner(slot), key)
        for slot in slots[Direction.RX]:
            await self.key_set(session, ObjectId.K_SET_GO, stream_id, slot)
        for slot in slots[Direction.TX]:
            stream.go(_partner(slot))
        for slot in slots[Direction.RX]:
            stream.go(_partner(slot))
        for slot in slots[Direction.TX]:
            await self.key_set(session, ObjectId.K_SET_GO, stream_id, slot)

    # ------------------------------------------------------------------ TDISP

    async def tdisp(
        self,
        session: SecureSession,
        request: int,
        index: int,
        payload: bytes = b"",
        version: int = VERSION_1_0,
    ) -> TdispAnswer | None:
        """One TDISP request for function `index`; None when there is no answer."""
        function = self.function(index)
        name = InterfaceId.of(function.rid, pasid=function.pasid)
        return await self.tdisp_named(session, request, name, payload, version)

    async def tdisp_to(
        self,
        session: SecureSession,
        request: int,
        function_id: int,
        payload: bytes = b"",
        version: int = VERSION_1_0,
    ) -> TdispAnswer | None:
        """One TDISP request for any FUNCTION_ID."""
        name = InterfaceId(function_id)
        return await self.tdisp_named(session, request, name, payload, version)

    async def tdisp_named(
        self,
        session: SecureSession,
        request: int,
        name: InterfaceId,
        payload: bytes = b"",
        version: int = VERSION_1_0,
    ) -> TdispAnswer | None:
        """One TDISP request for any INTERFACE_ID."""
        head = bytes([version, request, 0, 0]) + name.encode()
        raw = await session.vendor_defined(PROTOCOL_ID, head + payload)
        return None if raw is None else decode_answer(raw)

    async def lock(
        self,
        session: SecureSession,
        index: int,
        flags: LockFlags = LockFlags.LOCK_MSIX | LockFlags.NO_FW_UPDATE,
        offset: int = 0,
        stream_id: int = DEFAULT_STREAM,
        *,
        p2p_address_mask: int = 0,
    ) -> Attached:
        """LOCK_INTERFACE_REQUEST that must succeed."""
        answer = await self.lock_request(
            session, index, flags, offset, stream_id, p2p_address_mask=p2p_address_mask
        )
        assert answer is not None, "no answer to LOCK"
        assert answer.code == Response.LOCK_INTERFACE_RESPONSE, answer
        assert len(answer.payload) == NONCE_SIZE
        return Attached(self.function(index), answer.payload, index)

    async def lock_request(
        self,
        session: SecureSession,
        index: int,
        flags: LockFlags = LockFlags.LOCK_MSIX | LockFlags.NO_FW_UPDATE,
        offset: int = 0,
        stream_id: int = DEFAULT_STREAM,
        *,
        p2p_address_mask: int = 0,
    ) -> TdispAnswer | None:
        """LOCK_INTERFACE_REQUEST, whatever comes back."""
        payload = (
            int(flags).to_bytes(2, "little")
            + bytes([stream_id, 0])
            + (offset % (1 << 64)).to_bytes(8, "little")
            + p2p_address_mask.to_bytes(8, "little")
        )
        return await self.tdisp(session, Request.LOCK_INTERFACE_REQUEST, index, payload)

    async def start(self, session: SecureSession, attached: Attached, tvm: Owner = TVM) -> None:
        """START_INTERFACE_REQUEST that must succeed; `tvm` accepts the TDI."""
        answer = await self.tdisp(
            session, Request.START_INTERFACE_REQUEST, attached.index, attached.nonce
        )
        assert answer is not None
        assert answer.code == Response.START_INTERFACE_RESPONSE, answer
        function = attached.function
        self.host.inbound.check.accept(tvm, function.rid, function.pasid)

    async def stop(self, session: SecureSession, index: int) -> None:
        """STOP_INTERFACE_REQUEST that must succeed; the TVM lets the TDI go."""
        answer = await self.tdisp(session, Request.STOP_INTERFACE_REQUEST, index)
        assert answer is not None
        assert answer.code == Response.STOP_INTERFACE_RESPONSE, answer
        function = self.function(index)
        self.host.inbound.check.revoke(function.rid, function.pasid)

    async def reach_peer(self, session: SecureSession, index: int) -> None:
        """What BIND_P2P_STREAM needs: ATS, and OTHER_STREAM keyed, Secure and led to the peer.

        A TDI must not be locked yet: ATS Enable is part of its lock.
        """
        block = STREAM_BLOCKS[OTHER_STREAM]
        last = PEER_MEMORY.base + PEER_MEMORY.size - 1
        await self.vmm.aim_stream(block, PEER_RID, PEER_MEMORY.base, last)
        await self.vmm.enable_ats(index)
        await self.key_stream(session, OTHER_STREAM)

    async def bind(
        self, session: SecureSession, index: int, stream_id: int = OTHER_STREAM
    ) -> TdispAnswer | None:
        """BIND_P2P_STREAM, whatever comes back."""
        request = Request.BIND_P2P_STREAM_REQUEST
        return await self.tdisp(session, request, index, bytes([stream_id]))

    async def unbind(
        self, session: SecureSession, index: int, stream_id: int = OTHER_STREAM
    ) -> TdispAnswer | None:
        """UNBIND_P2P_STREAM, whatever comes back."""
        request = Request.UNBIND_P2P_STREAM_REQUEST
        return await self.tdisp(session, request, index, bytes([stream_id]))

    async def set_mmio_attribute(
        self, session: SecureSession, index: int, page: int, *, non_tee: bool, offset: int = 0
    ) -> TdispAnswer | None:
        """SET_MMIO_ATTRIBUTE for the page at offset `page` of BAR0, whatever comes back.

        `offset` is the MMIO reporting offset of the lock.
        """
        number = reported_page(self.function(index).bar0 + page, offset)
        value = RangeAttributes.IS_NON_TEE_MEM if non_tee else RangeAttributes(0)
        payload = MmioRange(number, 1, int(value), 0).encode()
        return await self.tdisp(session, Request.SET_MMIO_ATTRIBUTE_REQUEST, index, payload)

    async def attach(self, index: int | None = None) -> tuple[SecureSession, Attached]:
        """From reset to RUN: bring-up, session, keys of the default stream, LOCK, START.

        `index` is the TVM's function when None.
        """
        await self.bring_up()
        session = await self.open_session()
        await self.key_stream(session)
        attached = await self.lock(session, self.tvm_function if index is None else index)
        await self.start(session, attached)
        return session, attached

    # ------------------------------------------------------------------ traffic

    async def take_link_down(self) -> None:
        """The data link goes down by surprise; both ports of every stream lose it."""
        self.env.scoreboard.link_down()
        self.env.doe.monitor.forget()
        self.env.adapter.set_link(False)
        for stream in self.host.streams.values():
            stream.make_insecure(InsecureCause.LINK_DOWN)

    async def internal_error(self, index: int) -> None:
        """Logic around the device has found an uncorrectable error in a function."""
        self.env.scoreboard.internal_error(index)
        await self.env.adapter.internal_error(1 << index)

    async def write_register(
        self, function: FunctionAddress, register: int, value: int, route: Route = PLAIN
    ) -> None:
        """Write one register of the register page."""
        await self.host.mem_write(function.bar0 + register, value.to_bytes(4, "little"), route)

    async def read_register(
        self, function: FunctionAddress, register: int, route: Route = PLAIN
    ) -> int:
        """Read one register of the register page, which must succeed."""
        result = await self.host.mem_read(function.bar0 + register, 4, route)
        assert result.data, f"register {register:#x} of {function.rid:04x}: {result.status}"
        return int.from_bytes(result.data, "little")


def decode_answer(raw: bytes) -> TdispAnswer:
    """Split a TDISP response into its parts."""
    payload = raw[16:]
    if raw[1] != Response.TDISP_ERROR:
        return TdispAnswer(raw[1], payload)
    return TdispAnswer(
        raw[1],
        payload,
        ErrorCode(int.from_bytes(payload[0:4], "little")),
        int.from_bytes(payload[4:8], "little"),
    )


def _key_info(slot: KeySlot) -> int:
    return slot.sub_stream << 4 | slot.direction << 1 | slot.key_set


def _partner(slot: KeySlot) -> KeySlot:
    return KeySlot(Direction(1 - slot.direction), slot.sub_stream, slot.key_set)
