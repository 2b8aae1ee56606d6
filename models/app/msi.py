# SPDX-License-Identifier: Apache-2.0
"""MSI capability of one function: its layout, and the messages that it makes of interrupts."""

from __future__ import annotations

from dataclasses import dataclass

from models.app.function import Interrupt

# Message Control, in the upper half of the first register
ENABLE = 1 << 16
MULTIPLE_CAPABLE = 2 << 17  # four vectors
MULTIPLE_ENABLE = 7 << 20
ADDRESS_64 = 1 << 23
PER_VECTOR_MASKS = 1 << 24

CONTROL_RESET = PER_VECTOR_MASKS | ADDRESS_64 | MULTIPLE_CAPABLE
CONTROL_WRITABLE = MULTIPLE_ENABLE | ENABLE
VECTORS = 4
ADDRESS_LOW_WRITABLE = 0xFFFFFFFC
DATA_WRITABLE = 0xFFFF  # no Extended Message Data
MASK_WRITABLE = (1 << VECTORS) - 1


@dataclass(frozen=True, slots=True)
class Msi:
    """Registers of the capability."""

    control: int = CONTROL_RESET
    address: int = 0
    data: int = 0
    mask: int = 0  # a bit for each vector

    @property
    def enabled(self) -> bool:
        """MSI Enable."""
        return bool(self.control & ENABLE)

    @property
    def granted(self) -> int:
        """How many vectors software has granted: at most as many as there are."""
        return min(VECTORS, 1 << (self.control & MULTIPLE_ENABLE) // (1 << 20))

    def vector(self, vector: int) -> int:
        """The granted vector that stands for `vector` of the function."""
        return vector % self.granted

    def message(self, vector: int) -> Interrupt | None:
        """What `vector` of the function is sent as; None while it is masked or MSI not enabled.

        The message has the number of the vector in the low bits of its data.
        """
        number = self.vector(vector)
        if not self.enabled or self.mask >> number & 1:
            return None
        return Interrupt(self.address, self.data & ~(self.granted - 1) | number)
