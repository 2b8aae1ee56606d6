# SPDX-License-Identifier: Apache-2.0
"""One configuration access."""

from __future__ import annotations

from dataclasses import dataclass

from pyuvm import uvm_sequence_item

from models.pcie.codes import CplStatus


class CfgItem(uvm_sequence_item):
    """A configuration read or write of one DW of one function.

    Attributes:
        rid: Requester ID of the function that is accessed.
        address: offset in configuration space in bytes, a multiple of 4.
        data: DW written, or after the access the DW read.
        enables: one bit a byte.
        status: Completion Status, set when the access is complete.
    """

    def __init__(
        self, rid: int, address: int, *, write: bool, data: int = 0, enables: int = 0xF
    ) -> None:
        super().__init__("cfg")
        self.rid = rid
        self.address = address
        self.write = write
        self.data = data
        self.enables = enables
        self.status = CplStatus.UR

    def __str__(self) -> str:
        kind = "write" if self.write else "read"
        return (
            f"configuration {kind} {self.rid:04x}+{self.address:03x} "
            f"{self.data:08x}/{self.enables:x} {self.status.name}"
        )


@dataclass(slots=True)
class SeenAccess:
    """A configuration access that has passed on the link, with the attributes of a CfgItem."""

    rid: int
    address: int
    write: bool
    data: int
    enables: int
    status: CplStatus = CplStatus.UR
