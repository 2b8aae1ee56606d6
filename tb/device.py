# SPDX-License-Identifier: Apache-2.0
"""The device as a design for the simulators, also with one of its checks taken out."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from tb.sim import BUILD_ROOT, ROOT, Design

RTL = ROOT / "rtl"
TOPLEVEL = "tdisp_device"


class MutationError(Exception):
    """The source text that a mutation replaces is not there exactly once."""


@dataclass(frozen=True)
class Mutation:
    """A weakness put into the RTL at test time: `old` becomes `new` in one file."""

    name: str
    file: str  # path below rtl/
    old: str
    new: str


def device(parameters: Mapping[str, int] | None = None, rtl: Path = RTL) -> Design:
    """The whole device with its default parameters unless others are given."""
    return Design(TOPLEVEL, sorted(rtl.glob("*/*.v")), dict(parameters or {}), (rtl / "include",))


def mutated_device(mutation: Mutation) -> Design:
    """The device with `mutation` applied to a copy of the sources.

    Raises MutationError when the text to replace is not there exactly once.
    """
    folder = BUILD_ROOT / "mutants" / mutation.name
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(RTL, folder)
    path = folder / mutation.file
    text = path.read_text(encoding="utf-8")
    if text.count(mutation.old) != 1:
        raise MutationError(
            f"{mutation.name}: {text.count(mutation.old)} places in rtl/{mutation.file} "
            f"read {mutation.old!r}; exactly one is needed"
        )
    path.write_text(text.replace(mutation.old, mutation.new), encoding="utf-8")
    return replace(device(rtl=folder), throwaway=True)
