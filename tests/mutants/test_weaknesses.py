# SPDX-License-Identifier: Apache-2.0
"""Each test of the device that a weakness calls for fails on a device with that weakness."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tb.device import device
from tests.mutants.mutants import assert_killed, assert_sound
from tests.mutants.weaknesses import (
    ATTACK,
    LOCK_RULES,
    MESSAGES,
    MUTATIONS,
    WEAKNESSES,
    Weakness,
)
from tests.plan import attack, covers

SOUND = (
    (f"{ATTACK}14_t_bit", "ClaimedTIsRefused"),
    (f"{ATTACK}25_residue", "NextTvmFindsNothing"),
    (LOCK_RULES, "ForbiddenChangesMoveALockedTdiToError"),
    (MESSAGES, "ForeignSessionsAreRefusedInEveryState"),
)


def _with_marks() -> Iterator[tuple[Weakness, list[pytest.MarkDecorator]]]:
    """All weaknesses; nightly where tests of the same module have found another one."""
    found: set[str] = set()
    for weakness in WEAKNESSES:
        yield weakness, [pytest.mark.nightly] if weakness.module in found else []
        found.add(weakness.module)


@attack("ATT-04")
@attack("ATT-07")
@attack("ATT-09")
@attack("ATT-11")
@attack("ATT-12")
@attack("ATT-10")
@attack("ATT-13")
@attack("ATT-14")
@attack("ATT-15")
@attack("ATT-16")
@attack("ATT-17")
@attack("ATT-18")
@attack("ATT-22")
@attack("ATT-23")
@attack("ATT-24")
@attack("ATT-25")
@attack("ATT-26")
@attack("ATT-27")
@attack("ATT-28")
@attack("ATT-34")
@attack("ATT-35")
@covers("TDISP-MMIO-001", "TDISP-MMIO-002", "TDISP-MMIO-003", "TDISP-MMIO-004", "TDISP-MMIO-008")
@covers("TDISP-DMA-002", "TDISP-DMA-003", "TDISP-DMA-008", "IDE-SEL-003", "IDE-GCM-011")
@covers("TDISP-LOCK-002", "TDISP-LOCK-004", "TDISP-LOCK-005", "TDISP-LOCK-006", "TDISP-LOCK-007")
@covers("TDISP-START-001", "TDISP-START-002", "TDISP-ZERO-001", "SEC-REC-007", "SPDM-SES-003")
@covers("TDISP-HDR-003", "TDISP-HDR-005", "TDISP-HDR-008", "TDISP-SES-010", "TDISP-RPT-001")
@covers("TDISP-RPT-002", "SEC-VDM-002", "SEC-REC-004", "SPDM-VCA-002", "IDEKM-KP-006")
@pytest.mark.parametrize(
    "weakness",
    [pytest.param(weakness, id=weakness.mutation.name, marks=m) for weakness, m in _with_marks()],
)
def test_weakness_is_found(weakness: Weakness) -> None:
    assert_killed(
        device(), MUTATIONS, weakness.mutation, weakness.module, weakness.case, weakness.also
    )


@covers("TDISP-MMIO-001")
@pytest.mark.parametrize(("module", "case"), SOUND)
def test_device_without_a_weakness_passes(module: str, case: str) -> None:
    assert_sound(device(), MUTATIONS, module, case)
