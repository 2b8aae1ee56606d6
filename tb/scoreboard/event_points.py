# SPDX-License-Identifier: Apache-2.0
"""Coverage points of events: what each did to the TDIs that it is about, and to all others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from models.app.config_map import ConfigRegister as Reg
from models.device.device import ReferenceDevice
from models.device.registers import FIRST_BLOCK
from models.pcie.codes import CommandBit, SelectiveBlock
from models.spdm.key_port import KeyOperation
from models.tdisp.codes import TdiState
from models.tdisp.tdi import Tdi
from tb.coverage import CoverItem
from tb.scoreboard.describe import Plain, name_of, tdisp_body
from tb.scoreboard.replay_rot import KeyWriteView

Whom = Callable[[Tdi], str]
ALL_BYTES = 0xF
UNLOCKED = TdiState.CONFIG_UNLOCKED.name
NAMES = {int(register): register.name for register in Reg}
BLOCK_NAMES = {int(one): f"IDE {one.name}" for one in SelectiveBlock}
APART = ("other", "not bound", "of another session")  # TDIs that an event is not about
NOTHING = {(whom, UNLOCKED, UNLOCKED) for whom in APART}


def everybody(_: Tdi) -> str:
    """An event that is about no single TDI."""
    return "all"


class EventPoints:
    """Compares the states of the reference before and after each event.

    The device is known to have done the same once the run has passed: a transition that only one
    of the two has shown is a mismatch.
    """

    def __init__(self, reference: ReferenceDevice) -> None:
        self._reference = reference
        self.covered: list[CoverItem] = []

    @contextmanager
    def event(
        self, name: str, whom: Whom = everybody, *, racing: str = "", change: str = ""
    ) -> Iterator[None]:
        """The reference takes over an event; `change` is set for a write to a register.

        `racing` names the request that is under way.
        """
        tdis = self._reference.dsm.tdis
        before = [(whom(tdi), tdi.state.name) for tdi in tdis]
        yield
        arcs = {(*old, tdi.state.name) for old, tdi in zip(before, tdis, strict=True)}
        group, head = ("register", (name, change)) if change else ("event", (name,))
        for arc in sorted(arcs - NOTHING):
            self.covered.append(CoverItem(group, (*head, *arc)))
            if racing and arc[0] not in APART:
                self.covered.append(CoverItem("race", (racing, name, *arc[1:])))

    def ended(self, cause: str, work: list[str], old: TdiState, new: TdiState) -> None:
        """A TDI has left a state while this was under way."""
        for name in work:
            self.covered.append(CoverItem("under way", (cause, name, old.name, new.name)))

    # ------------------------------------------------------------------ messages, keys

    def request(self, raw: bytes, plain: Plain) -> AbstractContextManager[None]:
        """A DOE object is carried out."""
        name = name_of(raw, plain)
        if plain is None:
            return self.event(name)
        body = tdisp_body(plain[1])
        if body is None:
            return self.event(name, self._of_session(plain[0]))
        addressed = self._reference.dsm.addressed(body)
        return self.event(name, lambda tdi: "own" if tdi is addressed else "other")

    def key_write(self, write: KeyWriteView) -> AbstractContextManager[None]:
        """The root of trust has written a session key; only ends of sessions count."""
        if write.op == KeyOperation.END_SESSION:
            return self.event("session end", self._of_session(write.session_id))
        return self.event("end of all sessions") if write.op else nullcontext()

    @staticmethod
    def _of_session(session: int) -> Whom:
        def whom(tdi: Tdi) -> str:
            if tdi.lock is None:
                return "of no session"
            return "of its session" if tdi.lock.session == session else "of another session"

        return whom

    # ------------------------------------------------------------------ errors, streams

    def of_tdi(self, name: str, index: int, racing: str) -> AbstractContextManager[None]:
        """Something happens to the TDI of one function."""
        own = self._tdi(index)
        return self.event(name, lambda tdi: "own" if tdi is own else "other", racing=racing)

    def _tdi(self, function: int) -> Tdi:
        """The TDI that a function is or belongs to."""
        whole = self._reference.profile.whole_device
        return self._reference.dsm.tdis[0 if whole else function]

    def of_stream(self, name: str, stream_id: int) -> AbstractContextManager[None]:
        """Something happens to a stream."""
        return self.event(name, self._on_stream(stream_id))

    @staticmethod
    def _on_stream(stream_id: int) -> Whom:
        def whom(tdi: Tdi) -> str:
            if tdi.lock is None or not tdi.bound(stream_id):
                return "not bound"
            return "bound" if tdi.lock.stream_id == stream_id else "bound as peer"

        return whom

    # ------------------------------------------------------------------ configuration

    def config_write(
        self, rid: int, address: int, data: int, enables: int, racing: str
    ) -> AbstractContextManager[None]:
        """A configuration write has been completed."""
        space = self._reference.space
        function = space.find(rid)
        if rid >> 8 != space.pf_rid >> 8:
            return self.event("Requester ID change", racing=racing)
        if function is None:
            return nullcontext()
        whom = self._written(function, address)
        if space.initiates_flr(address, data, enables):
            return self.event("FLR", whom, racing=racing)
        change = self._change(function, address, data, enables)
        return self.event(register_name(address), whom, racing=racing, change=change)

    def _written(self, function: int, address: int) -> Whom:
        block = (address - FIRST_BLOCK) // SelectiveBlock.SIZE
        blocks = self._reference.blocks()
        if function == 0 and 0 <= block < len(blocks):
            return self._on_stream(blocks[block].stream_id)

        own = self._tdi(function)
        subordinate = "SDI" if self._reference.profile.sdis else "VF"

        def whom(tdi: Tdi) -> str:
            if tdi is own:
                return "own"
            return "other" if function else subordinate

        return whom

    def _change(self, function: int, address: int, data: int, enables: int) -> str:
        space = self._reference.space
        write = space.preview(function, address, data, enables)
        flips = write.old ^ write.new
        if not flips:
            whole = space.preview(function, address, data, ALL_BYTES)
            return "same value" if whole.new == whole.old else "other bytes"
        if address != Reg.COMMAND:
            return "changed"
        bits = [bit for bit in CommandBit if flips >> bit & 1]
        names = [f"{bit.name} {'set' if write.new >> bit & 1 else 'cleared'}" for bit in bits]
        return " and ".join(names) or "changed"


def register_name(address: int) -> str:
    """What a DW of configuration space is called."""
    if address >= FIRST_BLOCK:
        return BLOCK_NAMES.get((address - FIRST_BLOCK) % SelectiveBlock.SIZE, "IDE")
    return NAMES.get(address, "not named")
