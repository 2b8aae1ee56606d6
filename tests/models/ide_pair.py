# SPDX-License-Identifier: Apache-2.0
"""Two ports of one stream, the keys of the byte-exact vectors, and those vectors."""

from __future__ import annotations

from dataclasses import dataclass

from models.ide.codes import SubStream
from models.ide.keys import KeySlot
from models.ide.stream import IdeStream, StreamConfig
from models.idekm.codes import Direction

K_PR = bytes.fromhex("df254152056e02e0ef8b7feb9739d4d96a4eb80103241df7cd5e24b49ccd2720")
K_NPR = bytes(range(0x20, 0x40))
K_CPL = bytes(range(0x40, 0x60))
K_PR1 = bytes(range(0x80, 0xA0))
KEYS = {
    0: {SubStream.PR: K_PR, SubStream.NPR: K_NPR, SubStream.CPL: K_CPL},
    1: {
        SubStream.PR: K_PR1,
        SubStream.NPR: bytes(range(0xA0, 0xC0)),
        SubStream.CPL: bytes(range(0xC0, 0xE0)),
    },
}


@dataclass(frozen=True)
class Vector:
    """One TLP before and after IDE, in hex."""

    plain: str
    t: bool
    wire: str

    @property
    def plain_bytes(self) -> bytes:
        """The plain TLP."""
        return bytes.fromhex(self.plain)

    @property
    def wire_bytes(self) -> bytes:
        """The IDE TLP."""
        return bytes.fromhex(self.wire)


W1 = Vector(
    "40000004 010000ff 80001000 10111213 14151617 18191a1b 1c1d1e1f",
    True,
    "92000105 40000004 010000ff 80001000 5d82e880 b4520e9e 7ad2c575 a7987658"
    "25964581 75e30a31 c85c8e15",
)
W2 = Vector(
    "40000004 010000ff 80001010 20212223 24252627 28292a2b 2c2d2e2f",
    True,
    "92000105 40000004 010000ff 80001010 62775321 515129bc eed7244f 0c9bf8ee"
    "84294c8f 5dea3bec c7d30bd7",
)
R1 = Vector(
    "00000004 010001ff 80002000",
    True,
    "92020115 00000004 010001ff 80002000 cfd73e74 a03e606d 384c11c8",
)
W3 = Vector(
    "60000001 0100000f 00000001 80003000 deadbeef",
    False,
    "92000104 60000001 0100000f 00000001 80003000 d48e575e 21e55bde 864e88f0 0f3e081b",
)
C1 = Vector(
    "4a000001 00000004 01000100 cafef00d",
    True,
    "92030125 4a000001 00000004 01000100 7950833c ca70315c bf21a4c8 13d66d58",
)
Q1 = Vector(
    W1.plain,
    True,
    "9200010d 40000004 010000ff 80001000 5d82e880 b4520e9e 7ad2c575 a7987658 b1448688"
    "8a156c6b a8cf1b2f 51e22530",
)
K1 = Vector(
    W1.plain,
    True,
    "92000107 40000004 010000ff 80001000 c1be8a47 90e4475a 71eb8064 dbdf37ea"
    "1287a9cb 0a8186aa c0d230b2",
)
# With a PASID prefix: write, read and write again. MACs by AES-GCM over the parts of A in the order
# of IDE-GCM-004.
PW1 = Vector(
    "91012345 40000004 010000ff 80001000 10111213 14151617 18191a1b 1c1d1e1f",
    True,
    "92000105 91012345 40000004 010000ff 80001000 5d82e880 b4520e9e 7ad2c575 a7987658"
    "3e430c4f 4c47f755 e1fec6b7",
)
PR1 = Vector(
    "91000007 20000004 010001ff 00000001 80002000",
    True,
    "92010115 91000007 20000004 010001ff 00000001 8000200092294f5c 0867d975 90be64de",
)
PW2 = Vector(
    "910fffff 60000001 0100000f 00000001 80003000 deadbeef",
    False,
    "92000104 910fffff 60000001 0100000f 00000001 800030009cfbcfed 861aea71 678ef018 15a43204",
)
PASID_RUN = {"PW1": PW1, "PR1": PR1, "PW2": PW2}
RUN = {"W1": W1, "W2": W2, "R1": R1, "W3": W3, "C1": C1}


def give_keys(stream: IdeStream, direction: Direction, key_set: int = 0) -> None:
    """Program all sub-streams of `direction` and let them go."""
    for sub_stream, key in KEYS[key_set].items():
        slot = KeySlot(direction, sub_stream, key_set)
        stream.program(slot, key)
        stream.go(slot)


def port(*, pcrc: bool = False, stream_id: int = 1) -> IdeStream:
    """A port of a Secure stream; both directions have the same keys."""
    stream = IdeStream(StreamConfig(stream_id, pcrc=pcrc))
    for direction in Direction:
        give_keys(stream, direction)
    stream.enable()
    return stream


def refresh(transmitter: IdeStream, receiver: IdeStream, key_set: int) -> None:
    """A key refresh of one direction: Rx GO first, then Tx GO."""
    give_keys(receiver, Direction.RX, key_set)
    give_keys(transmitter, Direction.TX, key_set)
