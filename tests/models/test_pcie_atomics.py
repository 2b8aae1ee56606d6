# SPDX-License-Identifier: Apache-2.0
"""AtomicOps: what they leave in memory, at the host's memory and behind its tables."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.host.memory import VMM, HostMemory, Region
from models.host.owner_check import OwnerCheck
from models.host.translation import Mapping, TranslationAgent
from models.pcie.atomics import atomic_result
from models.pcie.ats import Span
from models.pcie.codes import FmtType
from models.pcie.errors import TlpError
from models.pcie.layout import DW
from models.pcie.tlp import Tlp
from tests.plan import covers

RID = 0x0101
KINDS = {
    "add": (FmtType.FETCH_ADD32, FmtType.FETCH_ADD64),
    "swap": (FmtType.SWAP32, FmtType.SWAP64),
    "cas": (FmtType.CAS32, FmtType.CAS64),
}


def atomic(kind: FmtType, operands: bytes, address: int = 0x1000) -> Tlp:
    last_be = 0xF if len(operands) > DW else 0
    return Tlp(
        kind,
        length=len(operands) // DW,
        requester_id=RID,
        first_be=0xF,
        last_be=last_be,
        address=address,
        payload=operands,
    )


@covers("TDISP-DMA-002")
@pytest.mark.parametrize("wide", [0, 1])
def test_each_atomic_op_leaves_what_was_worked_out_by_hand(wide: int) -> None:
    old = bytes.fromhex("ff000001")
    assert atomic_result(atomic(KINDS["add"][wide], bytes.fromhex("020000ff")), old) == (
        bytes.fromhex("01010000")
    )
    assert atomic_result(atomic(KINDS["swap"][wide], bytes.fromhex("0a0b0c0d")), old) == (
        bytes.fromhex("0a0b0c0d")
    )
    right, wrong = old + bytes.fromhex("11223344"), bytes(4) + bytes.fromhex("11223344")
    assert atomic_result(atomic(KINDS["cas"][wide], right), old) == bytes.fromhex("11223344")
    assert atomic_result(atomic(KINDS["cas"][wide], wrong), old) == old


@covers("TDISP-DMA-002")
@given(st.binary(min_size=8, max_size=8), st.binary(min_size=8, max_size=8))
def test_swap_and_compare_agree_on_eight_bytes(old: bytes, new: bytes) -> None:
    swapped = atomic_result(atomic(FmtType.SWAP64, new), old)
    compared = atomic_result(atomic(FmtType.CAS64, old + new), old)
    assert swapped == compared == new


@covers("TDISP-DMA-002")
def test_what_is_no_atomic_op_has_no_result() -> None:
    with pytest.raises(TlpError):
        atomic_result(Tlp.mem_write(RID, 0x1000, bytes(4)), bytes(4))


@covers("TDISP-HOST-010")
@pytest.mark.parametrize(("read", "write"), [(True, True), (True, False), (False, True)])
def test_behind_a_table_an_atomic_op_needs_both_rights(read: bool, write: bool) -> None:
    memory = HostMemory()
    memory.add(Region(0x10_0000, 0x1_0000, VMM))
    agent = TranslationAgent(OwnerCheck(memory))
    agent.map(RID, Mapping(Span(0x4000), 0x10_2000, read=read, write=write))
    request = atomic(FmtType.CAS32, bytes(16), 0x4FF8)  # the last eight bytes of the page
    led = agent.physical(request)
    assert (led is not None) == (read and write)
    assert led is None or led.address == 0x10_2FF8
