# SPDX-License-Identifier: Apache-2.0
"""Configuration space as hex text, in the form that `lspci -F` reads."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from models.pcie.capture import bdf

CONFIG_SIZE = 4096
BYTES_PER_LINE = 16


@dataclass(frozen=True, slots=True)
class FunctionDump:
    """The configuration space of one function: its Requester ID and all of its bytes."""

    rid: int
    title: str
    raw: bytes

    def text(self) -> str:
        """A line with the place and title, then 16 bytes a line; an empty line ends it."""
        if len(self.raw) != CONFIG_SIZE:
            raise ValueError(f"{len(self.raw)} bytes are no configuration space")
        lines = [f"{bdf(self.rid)} {self.title}"]
        for at in range(0, CONFIG_SIZE, BYTES_PER_LINE):
            lines.append(f"{at:02x}: {self.raw[at : at + BYTES_PER_LINE].hex(' ')}")
        return "\n".join(lines) + "\n\n"


def dump_text(functions: Iterable[FunctionDump]) -> str:
    """The file for `lspci -F`."""
    return "".join(function.text() for function in functions)
