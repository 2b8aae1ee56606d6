# SPDX-License-Identifier: Apache-2.0
"""Sources of START_INTERFACE_NONCE (TDISP-LOCK-018)."""

from __future__ import annotations

from models.spdm.signing import Entropy
from models.tdisp.codes import NONCE_SIZE


class RandomNonces:
    """Nonces from `entropy`; with `available` False it has run dry (TDISP-LOCK-016)."""

    def __init__(self, entropy: Entropy) -> None:
        self._entropy = entropy
        self.available = True

    def nonce(self) -> bytes | None:
        """32 fresh bytes, None without entropy."""
        return self._entropy.randbytes(NONCE_SIZE) if self.available else None
