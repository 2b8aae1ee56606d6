# SPDX-License-Identifier: Apache-2.0
"""Entries of Translation Completions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.app.map import PAGE
from models.app.translation import READ_WRITE, EntryBit, Translation
from tests.plan import covers

SIZES = st.integers(12, 52).map(lambda bits: 1 << bits)
RIGHTS = st.sampled_from(
    [EntryBit.READ, EntryBit.WRITE, READ_WRITE, READ_WRITE | EntryBit.UNTRANSLATED_ONLY]
)


@covers("TDISP-ATS-002")
@given(st.integers(0, (1 << 64) - 1), SIZES, RIGHTS)
def test_an_entry_says_what_it_was_made_from(address: int, size: int, rights: EntryBit) -> None:
    entry = Translation(address & -size, size, rights)
    assert Translation.decode(entry.encode()) == entry


@covers("TDISP-ATS-002")
@pytest.mark.parametrize(
    ("entry", "raw"),
    [
        (Translation(0x12345_6789A_000), "00012345 6789a003"),
        (Translation(0x2000, 0x2000, EntryBit.READ), "00000000 00002801"),
        (Translation(0x4000, 0x4000, EntryBit.WRITE), "00000000 00005802"),
        (Translation(1 << 32, 1 << 21, READ_WRITE | EntryBit.NON_SNOOPED), "00000001 000ffc03"),
    ],
)
def test_entries_have_these_bytes(entry: Translation, raw: str) -> None:
    assert entry.encode() == bytes.fromhex(raw)


@covers("TDISP-ATS-002")
def test_a_translated_address_keeps_its_place_in_the_range() -> None:
    entry = Translation(0x80_0000, 0x4000)
    assert entry.translate(0x1234_5678) == 0x80_1678
    assert Translation(0x9000).translate(0x1234_5678) == 0x9678


@covers("TDISP-ATS-002")
def test_rights_are_what_is_granted() -> None:
    read_only = Translation(0, PAGE, EntryBit.READ)
    assert read_only.permits(read=True, write=False)
    assert not read_only.permits(read=False, write=True)
    assert not read_only.permits(read=True, write=True)
    untranslated = Translation(0, PAGE, READ_WRITE | EntryBit.UNTRANSLATED_ONLY)
    assert not untranslated.permits(read=True, write=False)


@covers("TDISP-ATS-002")
@pytest.mark.parametrize(("address", "size"), [(0, 0x800), (0, 0x3000), (0x1000, 0x2000)])
def test_what_is_no_range_is_refused(address: int, size: int) -> None:
    with pytest.raises(ValueError, match="no range"):
        Translation(address, size).encode()


@covers("TDISP-ATS-002")
def test_an_entry_has_eight_bytes() -> None:
    with pytest.raises(ValueError, match="expected 8"):
        Translation.decode(bytes(4))
