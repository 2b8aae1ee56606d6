# SPDX-License-Identifier: Apache-2.0
"""The reference device: DOE, sessions, IDE_KM, TDISP, streams and configuration space in one.

It is a `Transport`, so a TSM talks to it without a simulator, and the predictor of the bench:
events go in by name, states and answers come out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from models.app.config_map import ConfigRegister as Reg
from models.device.config import DEFAULT_PROFILE, DeviceProfile
from models.device.config_space import ConfigSpace, FunctionView
from models.device.control import Control, RootOfTrust
from models.device.records import RecordLayer
from models.device.registers import FIRST_BLOCK
from models.device.streams import StreamControl
from models.ide.codes import StatusBit
from models.ide.errors import InsecureCause
from models.ide.select import SelectiveStreamBlock
from models.ide.stream import IdeStream
from models.idekm.responder import IdeKmResponder, PortIdentity
from models.pcie.codes import SelectiveBlock
from models.pcie.layout import PAGE
from models.pcie.rules import Limits
from models.spdm.identity import DeviceIdentity
from models.spdm.key_port import SessionKeyPort
from models.spdm.responder import SpdmResponder
from models.spdm.responder_state import ResponderConfig
from models.spdm.signing import Entropy
from models.tdisp.codes import ErrorCause, RangeAttributes, TdiState
from models.tdisp.dsm import ReferenceDsm
from models.tdisp.nonces import RandomNonces
from models.tdisp.p2p import PeerTerms
from models.tdisp.profile import FunctionConfig, NonceSource, StreamView
from models.tdisp.report import reported_page
from models.tdisp.table import Event
from models.tdisp.tdi import Lock, Tdi
from models.tdisp.tracking import RegisterWrite, Scope, TrackEvent, byte_mask, track

__all__ = ["FunctionView", "Grants", "ReferenceDevice"]
_EVENTS = {
    ErrorCause.POISONED: Event.POISONED,
    ErrorCause.COMPLETION: Event.COMPLETION_ERROR,
    ErrorCause.DSM_FAULT: Event.DSM_FAULT,
    ErrorCause.REQUESTER_ID: Event.REQUESTER_ID_CHANGE,
    ErrorCause.POWER: Event.POWER,
    ErrorCause.ATS: Event.TRANSLATION_T0,
}


@dataclass(frozen=True, slots=True)
class Grants:
    """What a locked TDI may reach besides its own TEE memory by the default stream."""

    streams: frozenset[int] = frozenset()  # Stream IDs of all bound streams
    # BAR and offset of TEE pages that are non-TEE now (TDISP-MMA-003)
    pages: frozenset[tuple[int, int]] = frozenset()


NOTHING = Grants()


class ReferenceDevice:
    """`rot` makes the root of trust, given the session-key port."""

    def __init__(
        self,
        rot: Callable[[SessionKeyPort], RootOfTrust],
        nonces: NonceSource,
        profile: DeviceProfile = DEFAULT_PROFILE,
    ) -> None:
        self.profile = profile
        self.space = ConfigSpace(profile)
        self.dsm = ReferenceDsm(profile.dsm, self, nonces)
        self.stream_control = StreamControl(profile.num_streams, self.dsm.stream_insecure)
        self.records = RecordLayer(profile.num_sessions, self._session_ended)
        self.rot = rot(self.records)
        self._failed = [False] * profile.num_streams  # Received IDE Fail Message
        idekm = IdeKmResponder(
            self.stream_control, self._identity, self.ide_registers, profile.port_aliases
        )
        self._control = Control(profile, self.records, self.rot, idekm, self.dsm)

    @classmethod
    def with_identity(
        cls,
        identity: DeviceIdentity,
        entropy: Entropy,
        profile: DeviceProfile = DEFAULT_PROFILE,
    ) -> ReferenceDevice:
        """A device with the SPDM responder of this project behind its RoT port."""
        config = ResponderConfig(max_sessions=profile.num_sessions)
        return cls(
            lambda port: SpdmResponder(identity, port, entropy, config),
            RandomNonces(entropy),
            profile,
        )

    # ------------------------------------------------------------------ DOE

    async def exchange(self, doe_object: bytes, /) -> bytes | None:
        """Transport."""
        return self.handle_object(doe_object)

    def handle_object(self, raw: bytes) -> bytes | None:
        """The answer to a DOE object; None for silence."""
        return self._control.handle(raw)

    @property
    def key_port(self) -> SessionKeyPort:
        """Where session keys enter."""
        return self.records

    def learn_nonce(self, nonce: bytes | None) -> None:
        """The next LOCK_INTERFACE_RESPONSE carries this nonce; None: there was no entropy."""
        self.dsm.expect_nonce(None, nonce)

    def learn_lost_lock(self) -> None:
        """The next request, if it is a good LOCK, loses against an error of its very moment."""
        self.dsm.expect_lost_lock()

    def _session_ended(self, session_id: int) -> None:
        """TDIs first, so that they show why (TDISP-SES-007, TDISP-SES-008)."""
        self.dsm.session_end(session_id)
        self.stream_control.session_end(session_id)

    def _identity(self) -> PortIdentity:
        return PortIdentity(self.space.rid(0))

    def ide_registers(self) -> bytes:
        """IDE registers from IDE Capability on."""
        secure = [stream.secure for stream in self.stream_control.streams]
        return self.space.ide_registers(secure, self._failed)

    # ------------------------------------------------------------------ Platform

    @property
    def segment(self) -> int | None:
        """The device does not know its segment."""
        return None

    def function(self, tdi: int) -> FunctionConfig:
        """Configuration of the function behind a TDI."""
        return self.space.function(tdi)

    def streams(self) -> tuple[StreamView, ...]:
        """All selective stream register blocks, as LOCK looks at them."""
        return self.stream_control.views()

    def configuration_fault(self, tdi: int) -> str | None:
        """What LOCK must refuse."""
        return self.space.fault(tdi)

    # ------------------------------------------------------------------ configuration

    def config_read(self, rid: int, address: int) -> int:
        """Value of a DW that holds something writable; 0 for all others."""
        function = self.space.find(rid)
        if function is None:
            return 0
        status = self._status_register(address)
        if function == 0 and status is not None:
            registers = self.ide_registers()
            at = address - Reg.IDE - 4
            return int.from_bytes(registers[at : at + 4], "little")
        return self.space.read(function, address)

    def config_write(self, rid: int, address: int, data: int, enables: int = 0xF) -> None:
        """A successful configuration write (TDISP-FSM-002)."""
        if self.space.capture(rid):
            self.dsm.requester_id_change()
        function = self.space.find(rid)
        if function is None:
            return
        self._track(function, self.space.preview(function, address, data, enables))
        self.space.write(function, address, data, enables)
        if function == 0:
            self._stream_registers(address, data & byte_mask(enables))
        if self.space.initiates_flr(address, data, enables):
            self.flr(function)

    def _track(self, function: int, write: RegisterWrite) -> None:
        streams = self.space.stream_offsets()
        events = [
            track(write, physical=function == 0, msix_locked=locked, streams=streams)
            for locked in (False, True)
        ]
        for tdi in self.dsm.tdis if any(events) else ():
            event = events[tdi.msix_locked]
            if event is not None and self._hits(event, function, tdi):
                self.dsm.config_change(tdi.index, event.cause)

    def _hits(self, event: TrackEvent, function: int, tdi: Tdi) -> bool:
        if event.scope is Scope.STREAM and event.block is not None:
            return tdi.bound(self.stream_control.blocks[event.block].stream_id)
        return event.scope is Scope.HIERARCHY or tdi in self._of_function(function)

    def _block_of(self, address: int) -> int | None:
        block = (address - FIRST_BLOCK) // SelectiveBlock.SIZE
        return block if 0 <= block < self.profile.num_streams else None

    def _status_register(self, address: int) -> int | None:
        """The block whose status register this is."""
        offset = (address - FIRST_BLOCK) % SelectiveBlock.SIZE
        return self._block_of(address) if offset == SelectiveBlock.STATUS else None

    def _stream_registers(self, address: int, data: int) -> None:
        block, status = self._block_of(address), self._status_register(address)
        if status is not None and data >> StatusBit.RECEIVED_FAIL & 1:
            self._failed[status] = False
        if block is not None:
            self.stream_control.configure(block, self.space.block(block))

    # ------------------------------------------------------------------ events

    def flr(self, function: int) -> None:
        """Function level reset. That of function 0, which has the IDE capability, ends streams."""
        self.dsm.flr(self._tdi(function).index)
        if function == 0:
            self.stream_control.all_insecure(InsecureCause.FLR)
        self.space.flr(function)
        if function == 0:
            self._failed = [False] * self.profile.num_streams
            for block in range(self.profile.num_streams):
                self.stream_control.configure(block, self.space.block(block))

    def tdi_error(self, tdi: int, cause: ErrorCause) -> None:
        """An event that moves a locked TDI to ERROR."""
        event = _EVENTS.get(cause, Event.CONFIG_CHANGE)
        self.dsm.event(self._tdi(tdi).index, event, cause)

    def stream_insecure(self, block: int, cause: InsecureCause) -> None:
        """The stream of a register block leaves Secure, or has just done so."""
        if cause is InsecureCause.FAIL_RECEIVED:
            self._failed[block] = True
        self.stream_control.insecure(block, cause)

    def link_down(self) -> None:
        """The data link goes down (IDE-ST-010)."""
        self.stream_control.all_insecure(InsecureCause.LINK_DOWN)

    def end_session(self, session_id: int) -> None:
        """A session ends by a time-out or a fault of the record layer."""
        self.records.end(session_id)
        self.rot.session_ended(session_id)

    def reset(self) -> None:
        """Conventional reset (TDISP-FSM-014); the root of trust is reset by its owner."""
        self.dsm.conventional_reset()
        self.records.end_all()
        self.stream_control.reset()
        self.space.reset()
        self._failed = [False] * self.profile.num_streams

    # ------------------------------------------------------------------ state

    def _tdi(self, function: int) -> Tdi:
        """The TDI that a function is or belongs to."""
        return self.dsm.tdis[0 if self.profile.whole_device else function]

    def _of_function(self, function: int) -> Sequence[Tdi]:
        """The TDIs that share the registers of a function: with SDIs all of them."""
        return self.dsm.tdis if self.profile.sdis else (self._tdi(function),)

    def tdi_states(self) -> tuple[TdiState, ...]:
        """State of the TDI of every function."""
        return tuple(self._tdi(function).state for function in range(self.profile.num_tdi))

    def bound_stream(self, tdi: int) -> int | None:
        """Stream ID that a locked TDI is bound to; None for an unlocked one."""
        item = self._tdi(tdi)
        return item.lock.stream_id if item.locked and item.lock is not None else None

    def grants(self, tdi: int) -> Grants:
        """What the TDI may reach now."""
        item = self._tdi(tdi)
        return NOTHING if item.lock is None or not item.locked else self._grants(tdi, item.lock)

    def prospect(self, session: int, body: bytes) -> tuple[int, Grants] | None:
        """The TDI that a request of an established session would change, and to what.

        None for requests that change nothing of it, or that would be refused now.
        """
        found = self.dsm.prospect(session, body)
        return None if found is None else (found[0], self._grants(*found))

    def _grants(self, tdi: int, lock: Lock) -> Grants:
        if not lock.non_tee_pages:
            return Grants(lock.streams)
        bars, offset = self.space.bars(tdi), lock.mmio_reporting_offset
        pages = frozenset(
            (item.bar, item.offset + PAGE * page)
            for item in self.profile.dsm.ranges
            if not item.attributes & RangeAttributes.IS_NON_TEE_MEM
            for page in range(item.num_pages)
            if lock.non_tee_pages.get(
                reported_page(bars[item.bar] + item.offset + PAGE * page, offset)
            )
        )
        return Grants(lock.streams, pages)

    def peer_terms(self, tdi: int) -> PeerTerms:
        """How a TDI sends translated requests to peers."""
        lock = self._tdi(tdi).lock
        return PeerTerms() if lock is None else lock.peer_terms

    def msix_locked(self, tdi: int) -> bool:
        """Whether the TDI's MSI-X table is locked and reported."""
        return self._tdi(tdi).msix_locked

    def scrub_count(self, tdi: int) -> int:
        """How often the data of the function has been cleared so far."""
        return self._tdi(tdi).scrub_count

    def functions(self) -> tuple[FunctionView, ...]:
        """Configuration of every function."""
        return self.space.views()

    def blocks(self) -> tuple[SelectiveStreamBlock, ...]:
        """The selective stream register blocks."""
        return self.stream_control.blocks

    def stream_ends(self) -> tuple[IdeStream, ...]:
        """The device's end of the stream of each block."""
        return self.stream_control.streams

    def limits(self) -> Limits:
        """Sizes that the device keeps to."""
        return self.space.limits()
