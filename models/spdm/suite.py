# SPDX-License-Identifier: Apache-2.0
"""What a negotiation fixes: the version and the algorithms of a connection (SPDM-VCA-001)."""

from __future__ import annotations

from dataclasses import dataclass

from models.spdm.codes import VERSION_1_2, BaseAsym, BaseHash, Dhe
from models.spdm.curves import OF_ASYM, OF_DHE
from models.spdm.key_schedule import HASHES, KeySchedule
from models.spdm.messages.base import Shape


@dataclass(frozen=True, slots=True)
class Suite:
    """Version and algorithms; the cipher is always AES-256-GCM."""

    version: int = VERSION_1_2
    base_hash: BaseHash = BaseHash.SHA_384
    base_asym: BaseAsym = BaseAsym.ECDSA_P384
    dhe: Dhe = Dhe.SECP384R1  # 0 where no session is possible

    @property
    def hash_size(self) -> int:
        """Bytes of one hash."""
        return HASHES[self.base_hash]().digest_size

    @property
    def signature_size(self) -> int:
        """Bytes of r and s."""
        return 2 * OF_ASYM[self.base_asym].size

    @property
    def exchange_size(self) -> int:
        """Bytes of X and Y."""
        return 2 * OF_DHE[self.dhe].size if self.dhe else 0

    @property
    def schedule(self) -> KeySchedule:
        """The key schedule of this hash and version."""
        return KeySchedule(self.base_hash, self.version)

    def shape(
        self, *, summary: bool = False, signed: bool = False, in_the_clear: bool = False
    ) -> Shape:
        """The layout of messages under these algorithms."""
        return Shape(
            hash_size=self.hash_size,
            signature_size=self.signature_size,
            exchange_size=self.exchange_size,
            summary=summary,
            signed=signed,
            in_the_clear=in_the_clear,
        )


DEFAULT_SUITE = Suite()
