# SPDX-License-Identifier: Apache-2.0
"""Host memory and the host's check of what devices ask for."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest

from models.host.errors import HostError
from models.host.legacy import LegacyVm
from models.host.memory import VMM, HostMemory, Owner, OwnerKind, Region
from models.host.owner_check import DmaRequest, OwnerCheck, Verdict
from models.pcie.codes import FmtType
from models.pcie.rules import written_bytes
from models.pcie.tlp import Tlp
from tests.hits import sample
from tests.plan import covers

TVM_A = Owner(OwnerKind.TVM, "A")
TVM_B = Owner(OwnerKind.TVM, "B")
LEGACY = LegacyVm("old", {0: 0x9000_0000})
A_BASE, B_BASE, VMM_BASE, OLD_BASE, SHARED_BASE, VECTORS = (0x10000 * n for n in range(1, 7))
TDI_A, TDI_B, OTHER = 0x0101, 0x0102, 0x0103


def host() -> OwnerCheck:
    """Memory of two TVMs, the VMM and a legacy VM; A has accepted TDI_A, B has TDI_B."""
    memory = HostMemory()
    owners = ((A_BASE, TVM_A), (B_BASE, TVM_B), (VMM_BASE, VMM), (OLD_BASE, LEGACY.owner))
    for base, owner in owners:
        memory.add(Region(base, 0x1000, owner))
    memory.add(Region(SHARED_BASE, 0x1000, VMM, shared=True))
    memory.add(Region(VECTORS, 0x1000, TVM_A, interrupts=True))
    check = OwnerCheck(memory)
    check.accept(TVM_A, TDI_A)
    check.accept(TVM_B, TDI_B)
    check.assign(LEGACY.owner, OTHER)
    return check


def verdict(check: OwnerCheck, rid: int, address: int, t: bool, *, write: bool = True) -> Verdict:
    """What the check says to 4 bytes."""
    return check.check(DmaRequest(rid, address, 4, write, t))


# ---------------------------------------------------------------------- memory


@covers("TDISP-HOST-010")
def test_memory_is_read_and_written_inside_one_region_only() -> None:
    memory = HostMemory()
    memory.add(Region(0x1000, 0x1000, TVM_A))
    memory.add(Region(0x2000, 0x1000, VMM))
    memory.write(0x1FFC, b"abcd")
    assert memory.read(0x1FFC, 4) == b"abcd"
    assert memory.read(0x1000, 4) == bytes(4)
    with pytest.raises(HostError):
        memory.read(0x1FFC, 8)
    with pytest.raises(HostError):
        memory.write(0x3000, b"a")
    assert memory.region_at(0x1FFE, 4) is None


@covers("TDISP-HOST-010")
def test_regions_neither_overlap_nor_are_empty() -> None:
    memory = HostMemory()
    memory.add(Region(0x1000, 0x1000, TVM_A))
    for base, size in ((0x1FFF, 1), (0, 0x1001), (0x1800, 0x10), (0x5000, 0)):
        with pytest.raises(HostError):
            memory.add(Region(base, size, VMM))
    assert memory.add(Region(0x2000, 1, VMM)) in memory.regions


# ---------------------------------------------------------------------- owner check


WHO = {TDI_A: "its TDI", TDI_B: "TDI of another TVM", OTHER: "function of a legacy VM"}


@covers("TDISP-HOST-010")
def test_only_the_accepted_tdi_with_t_reaches_memory_of_a_tvm() -> None:
    check = host()
    for rid, t, write in product((TDI_A, TDI_B, OTHER), (False, True), (False, True)):
        got = verdict(check, rid, A_BASE, t, write=write)
        assert got.allowed == (rid == TDI_A and t)
        if not t:
            assert got is Verdict.UNTRUSTED
        sample("rule", "DMA to memory of a TVM", WHO[rid], f"T{int(t)}", got.name)
    check.revoke(TDI_A)
    assert verdict(check, TDI_A, A_BASE, True) is Verdict.NOT_ACCEPTED


@covers("TDISP-HOST-010")
def test_other_memory_is_reached_by_assignment_or_when_shared() -> None:
    check = host()
    for t in (False, True):
        assert verdict(check, OTHER, OLD_BASE, t) is Verdict.ALLOWED
        assert verdict(check, OTHER, VMM_BASE, t) is Verdict.NOT_ASSIGNED
        assert verdict(check, TDI_A, VMM_BASE, t) is Verdict.ALLOWED
        assert verdict(check, TDI_A, OLD_BASE, t) is Verdict.NOT_ASSIGNED
        assert verdict(check, OTHER, SHARED_BASE, t) is Verdict.ALLOWED


@covers("TDISP-HOST-010")
def test_an_interrupt_of_a_tvm_needs_t_and_its_own_tdi() -> None:
    check = host()
    assert verdict(check, TDI_A, VECTORS, True) is Verdict.ALLOWED
    assert verdict(check, TDI_A, VECTORS, False) is Verdict.UNTRUSTED
    assert verdict(check, TDI_B, VECTORS, True) is Verdict.NOT_ACCEPTED
    assert verdict(check, TDI_A, VECTORS, True, write=False) is Verdict.INTERRUPT_READ


@covers("TDISP-HOST-010")
def test_a_request_that_leaves_its_region_finds_no_memory() -> None:
    check = host()
    for address, length in ((A_BASE - 4, 8), (A_BASE + 0xFFC, 8), (0, 4), (A_BASE + 0x1000, 0)):
        request = DmaRequest(TDI_A, address, length, write=False, t=True)
        assert check.check(request) is Verdict.NO_MEMORY
    assert verdict(check, TDI_A, A_BASE + 0xFFC, True) is Verdict.ALLOWED


@covers("TDISP-HOST-010")
def test_a_tdi_is_accepted_by_one_tvm_at_a_time() -> None:
    check = host()
    with pytest.raises(HostError, match="belongs to A"):
        check.accept(TVM_B, TDI_A)
    with pytest.raises(HostError, match="is no TVM"):
        check.accept(VMM, OTHER)
    check.revoke(TDI_A)
    check.accept(TVM_B, TDI_A)
    assert verdict(check, TDI_A, A_BASE, True) is Verdict.NOT_ACCEPTED


@covers("TDISP-HOST-010")
@pytest.mark.parametrize(
    ("tlp", "address", "length", "write"),
    [
        (Tlp.mem_read(TDI_A, A_BASE + 1, 6), A_BASE + 1, 6, False),
        (Tlp.mem_read(TDI_A, A_BASE + 4, 0), A_BASE + 4, 1, False),
        (Tlp.mem_write(TDI_A, A_BASE + 1, b"abc"), A_BASE, 4, True),
        (
            Tlp(FmtType.CAS32, length=2, requester_id=TDI_A, address=A_BASE, payload=bytes(8)),
            A_BASE,
            4,
            True,
        ),
    ],
)
def test_a_tlp_is_checked_for_the_bytes_that_it_touches(
    tlp: Tlp, address: int, length: int, write: bool
) -> None:
    assert DmaRequest.of(tlp, True) == DmaRequest(TDI_A, address, length, write, True)


@covers("TDISP-HOST-010")
def test_what_is_no_memory_request_is_not_checked_as_one() -> None:
    with pytest.raises(HostError):
        DmaRequest.of(Tlp.cfg_read(0, 0, 0), False)


@covers("TDISP-HOST-010")
def test_only_enabled_bytes_of_a_write_are_written() -> None:
    assert written_bytes(Tlp.mem_write(0, 0x1003, b"abcdef")) == [(0x1003, b"abcdef")]
    assert written_bytes(Tlp.mem_write(0, 0x1000, b"")) == []
    holes = replace(Tlp.mem_write(0, 0x1000, bytes(range(8))), first_be=0b0101, last_be=0b1110)
    assert written_bytes(holes) == [(0x1000, b"\0"), (0x1002, b"\2"), (0x1005, b"\5\6\7")]


# ---------------------------------------------------------------------- legacy VM


@covers("TDISP-HOST-010")
def test_a_legacy_vm_notices_any_piece_of_a_secret_that_it_has_seen() -> None:
    vm = LegacyVm("old", {0: 0x9000_0000}, requester_id=8)
    secret = bytes(range(0x40, 0x60))
    vm.note(bytes(64))
    vm.note(b"..." + secret[:3] + b"...")
    assert vm.leaks([secret]) == []
    vm.note(b"..." + secret[9:13])
    assert vm.leaks([secret, b"other"]) == [secret]


@covers("TDISP-HOST-010")
def test_a_legacy_vm_uses_the_bars_that_it_was_given() -> None:
    vm = LegacyVm("old", {0: 0x9000_0000, 2: 0x1_0000_0000}, requester_id=8)
    assert vm.mmio_read(0, 0x20, 4).encode().hex() == "000000010008000f90000020"
    assert vm.mmio_write(2, 4, b"abcd").address == 0x1_0000_0004


# ---------------------------------------------------------------------- SDIs


def sdi_verdict(pasid: int | None, address: int, *, t: bool = True) -> Verdict:
    """What the check says to PF TDI_A: A has its SDI 7, B its SDI 8, a legacy VM its SDI 9."""
    check = host()
    check.revoke(TDI_A)
    check.accept(TVM_A, TDI_A, 7)
    check.accept(TVM_B, TDI_A, 8)
    check.assign(LEGACY.owner, TDI_A, 9)
    check.know_sdi(TDI_A, 10)
    return check.check(DmaRequest(TDI_A, address, 4, True, t, pasid))


@covers("TDISP-HOST-010", "TDISP-DMA-007")
@pytest.mark.parametrize("pasid", [None, 0, 7, 8, 9, 10])
def test_the_pasid_tells_sdis_of_two_owners_apart(pasid: int | None) -> None:
    for owner, base in ((7, A_BASE), (8, B_BASE)):
        assert sdi_verdict(pasid, base).allowed is (pasid == owner)
        assert sdi_verdict(pasid, base, t=False) is Verdict.UNTRUSTED
    assert sdi_verdict(pasid, OLD_BASE, t=False).allowed is (pasid == 9)
    assert sdi_verdict(pasid, VMM_BASE, t=False).allowed is (pasid != 9)


@covers("TDISP-HOST-010")
def test_the_function_has_all_other_pasids() -> None:
    check = host()
    check.know_sdi(TDI_A, 7)
    for pasid in (None, 0, 8):
        assert check.check(DmaRequest(TDI_A, A_BASE, 4, True, True, pasid)).allowed
    assert not check.check(DmaRequest(TDI_A, A_BASE, 4, True, True, 7)).allowed
    assert check.check(DmaRequest(TDI_B, B_BASE, 4, True, True, 7)).allowed


@covers("TDISP-HOST-010", "TDISP-INT-002")
def test_interrupts_without_pasid_reach_who_has_any_sdi_of_the_function() -> None:
    assert sdi_verdict(None, VECTORS).allowed
    assert not sdi_verdict(8, VECTORS).allowed
    assert not sdi_verdict(None, VECTORS, t=False).allowed
