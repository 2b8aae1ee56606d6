# SPDX-License-Identifier: Apache-2.0
"""How a lock has requests to peers leave (TDISP-P2P-006, TDISP-ATS-007)."""

from __future__ import annotations

from dataclasses import dataclass

# A 1 in BIND_P2P_ADDRESS_MASK takes the bit out of the comparison with address associations, so
# that 0 takes out nothing. The specification could not be checked: everything else asks this.
ONE_CLEARS = True


def masked(address: int, mask: int) -> int:
    """`address` as it is compared with the address association of a bound P2P stream."""
    return address & ~mask if ONE_CLEARS else address & mask


@dataclass(frozen=True, slots=True)
class PeerTerms:
    """What the lock of a TDI says about requests to peers."""

    redirect: bool = False  # ALL_REQUEST_REDIRECT: translated requests go upstream as well
    address_mask: int = 0

    def peer_address(self, address: int) -> int:
        """The address by which a translated request finds its P2P stream."""
        return masked(address, self.address_mask)
