# SPDX-License-Identifier: Apache-2.0
"""The hostile twin of the VMM, and the interposer it may put on the link: attack steps as data.

Each step says what to send and what must become of it; most also carry the honest action that
differs only in the attack and must succeed.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from models.host.vmm import ConfigWrite, FunctionPlan, ResourcePlan, Vmm
from models.ide.codes import MAC_SIZE
from models.pcie.codes import CommandBit, HeaderRegister, SriovRegister
from models.pcie.layout import DW
from models.pcie.tlp import Tlp


@dataclass(frozen=True, slots=True)
class Path:
    """How a TLP travels: plain, or on an IDE stream with a T bit."""

    stream_id: int | None = None
    t: bool = False


PLAIN = Path()
COMMAND_BYTES = 0b0011
# Places in an IDE TLP without other prefixes; bit 0 is the first on the wire.
K_BIT = 30
T_BIT = 31
HEADER_BIT = 64  # the second DW of the header, so that the Length stays
DATA_BIT = 128


@dataclass(frozen=True, slots=True)
class SendTlp:
    """Send a TLP that the host itself makes. Non-posted ones still need a tag."""

    tlp: Tlp
    path: Path = PLAIN


@dataclass(frozen=True, slots=True)
class SendWire:
    """Put bytes on the link as they are."""

    wire: bytes


Action = SendTlp | SendWire | ConfigWrite


class Outcome(Enum):
    """What must become of an attack."""

    REFUSED = "no effect, no data, the TDI stays as it is"
    TDI_ERROR = "the TDI enters ERROR before the change takes effect"
    STREAM_INSECURE = "not served; the stream turns Insecure and its TDIs enter ERROR"
    MISROUTED = "dropped; no stream and no TDI changes"


@dataclass(frozen=True, slots=True)
class AttackStep:
    """One thing that a hostile host does."""

    name: str
    attack: str  # entry of the attack list
    requirement: str
    action: Action
    outcome: Outcome
    honest: Action | None = None


@dataclass(frozen=True, slots=True)
class Victim:
    """A TDI in RUN: its function, the stream it is bound to, and an address in TEE memory."""

    function: FunctionPlan
    bound_stream: int
    address: int

    @property
    def trusted(self) -> Path:
        """The way of the owner's accesses."""
        return Path(self.bound_stream, t=True)


class HostileVmm(Vmm):
    """A VMM with every power that it has over a real host, used against a TVM."""

    def mmio_attacks(
        self, victim: Victim, other_stream: int | None, length: int = DW
    ) -> list[AttackStep]:
        """Read and write TEE memory without T, without IDE, and with T on another stream."""
        ways = [
            ("without IDE", "ATT-15", "TDISP-MMIO-002", PLAIN),
            ("with T = 0", "ATT-13", "TDISP-MMIO-002", Path(victim.bound_stream)),
        ]
        if other_stream is not None:
            ways += [
                ("with T on another stream", "ATT-14", "TDISP-MMIO-004", Path(other_stream, True)),
                ("with T = 0 on another stream", "ATT-14", "TDISP-MMIO-002", Path(other_stream)),
            ]
        read = Tlp.mem_read(self.host_rid, victim.address, length)
        write = Tlp.mem_write(self.host_rid, victim.address, b"\xa5" * length)
        return [
            AttackStep(
                f"{verb} TEE memory {way}",
                attack,
                requirement,
                SendTlp(tlp, path),
                Outcome.REFUSED,
                SendTlp(tlp, victim.trusted),
            )
            for way, attack, requirement, path in ways
            for verb, tlp in (("read", read), ("write", write))
        ]

    def config_attacks(self, plan: ResourcePlan, victim: Victim) -> list[AttackStep]:
        """Move a BAR of the victim, take its memory or bus mastering away."""
        if victim.function.index:
            return self._vf_attacks(plan, victim.function)
        rid, command = victim.function.rid, HeaderRegister.COMMAND
        memory, master = 1 << CommandBit.MEMORY_SPACE_ENABLE, 1 << CommandBit.BUS_MASTER_ENABLE
        no_memory = ConfigWrite(rid, command, master, COMMAND_BYTES)
        no_master = ConfigWrite(rid, command, memory, COMMAND_BYTES)
        return [
            *_moves(plan, rid, HeaderRegister.BAR0, victim.function, "TDISP-TRK-003"),
            _tracked("clear Memory Space Enable", "ATT-28", "TDISP-TRK-001", no_memory),
            _tracked("clear Bus Master Enable", "ATT-28", "TDISP-TRK-002", no_master),
        ]

    def _vf_attacks(self, plan: ResourcePlan, function: FunctionPlan) -> list[AttackStep]:
        pf, sriov = plan.layout.pf_rid, plan.layout.sriov
        off = ConfigWrite(pf, sriov + SriovRegister.CONTROL, 0)
        no_master = ConfigWrite(function.rid, HeaderRegister.COMMAND, 0, COMMAND_BYTES)
        first_bar = sriov + SriovRegister.VF_BAR0
        return [
            *_moves(plan, pf, first_bar, plan.functions[1], "TDISP-TRK-007"),
            _tracked("disable the VFs", "ATT-27", "TDISP-TRK-007", off),
            _tracked("clear Bus Master Enable", "ATT-28", "TDISP-TRK-002", no_master),
        ]


def _moves(
    plan: ResourcePlan, rid: int, first: int, function: FunctionPlan, requirement: str
) -> list[AttackStep]:
    steps = []
    for bar, address in sorted(function.bars.items()):
        moved = (address ^ plan.layout.bar_sizes[bar]) & 0xFFFFFFFF
        write = ConfigWrite(rid, first + DW * bar, moved)
        steps.append(_tracked(f"move BAR{bar}", "ATT-04", requirement, write))
    return steps


def _tracked(name: str, attack: str, requirement: str, write: ConfigWrite) -> AttackStep:
    return AttackStep(name, attack, requirement, write, Outcome.TDI_ERROR)


class Interposer:
    """Sits on the link and sees every IDE TLP of one stream and direction, in order."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng

    def attacks(self, sent: Sequence[bytes], held: Sequence[bytes]) -> list[AttackStep]:
        """Replays of `sent`, and changes to `held`: memory writes of one sub-stream.

        `sent` have been delivered, `held` are the next two, taken off the link. Every step starts
        from this same situation; the honest action is to deliver the first of `held`.
        """
        first, second = held[0], held[1]
        flipped = self.flip(first, DATA_BIT, 8 * len(first))
        changed = [
            ("replay", "IDE-GCM-003", sent[-1]),
            ("deliver the second first", "IDE-GCM-003", second),
            ("flip a payload or MAC bit", "IDE-GCM-011", flipped),
            ("flip a header bit", "IDE-GCM-011", self.flip(first, HEADER_BIT, DATA_BIT)),
            ("flip the T bit", "IDE-GCM-011", _flip(first, T_BIT)),
            ("flip the K bit", "IDE-KEY-002", _flip(first, K_BIT)),
            ("cut the last DW", "IDE-GCM-011", first[:-DW]),
            ("splice two TLPs", "IDE-GCM-011", first[:-MAC_SIZE] + second[-MAC_SIZE:]),
        ]
        honest = SendWire(first)
        steps = [
            AttackStep(name, "ATT-10", rule, SendWire(wire), Outcome.STREAM_INSECURE, honest)
            for name, rule, wire in changed
        ]
        return [*steps, self.misroute(first)]

    def misroute(self, wire: bytes) -> AttackStep:
        """Change the Stream ID to one that differs in every bit."""
        changed = wire[:2] + bytes([wire[2] ^ 0xFF]) + wire[3:]
        return AttackStep(
            "change the Stream ID",
            "ATT-08",
            "IDE-ST-008",
            SendWire(changed),
            Outcome.MISROUTED,
            SendWire(wire),
        )

    def strip(self, wire: bytes) -> AttackStep:
        """Take prefix and MAC away: the header, which is in clear, as a plain TLP."""
        return AttackStep(
            "strip the IDE prefix",
            "ATT-15",
            "TDISP-MMIO-002",
            SendWire(wire[DW:-MAC_SIZE]),
            Outcome.REFUSED,
            SendWire(wire),
        )

    def flip(self, wire: bytes, first_bit: int, end_bit: int) -> bytes:
        """`wire` with one bit of the given places flipped; bit 0 is the first on the wire."""
        return _flip(wire, self._rng.randrange(first_bit, end_bit))


def _flip(wire: bytes, bit: int) -> bytes:
    changed = bytearray(wire)
    changed[bit // 8] ^= 0x80 >> bit % 8
    return bytes(changed)
