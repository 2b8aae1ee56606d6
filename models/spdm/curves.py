# SPDX-License-Identifier: Apache-2.0
"""The elliptic curves of signatures and key exchanges (SPDM-VCA-001)."""

from __future__ import annotations

from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import ec

from models.spdm.codes import BaseAsym, Dhe


@dataclass(frozen=True, slots=True)
class Curve:
    """A curve and the names that SPDM has for it."""

    curve: ec.EllipticCurve
    asym: BaseAsym
    dhe: Dhe

    @property
    def name(self) -> str:
        """As certificates name it."""
        return self.curve.name

    @property
    def size(self) -> int:
        """Bytes of a coordinate."""
        return (self.curve.key_size + 7) // 8

    @property
    def order(self) -> int:
        """Order of the group."""
        return self.curve.group_order


P256 = Curve(ec.SECP256R1(), BaseAsym.ECDSA_P256, Dhe.SECP256R1)
P384 = Curve(ec.SECP384R1(), BaseAsym.ECDSA_P384, Dhe.SECP384R1)
P521 = Curve(ec.SECP521R1(), BaseAsym.ECDSA_P521, Dhe.SECP521R1)
CURVES = (P256, P384, P521)
OF_ASYM = {curve.asym: curve for curve in CURVES}
OF_DHE = {curve.dhe: curve for curve in CURVES}


def curve_of(key: ec.EllipticCurvePrivateKey | ec.EllipticCurvePublicKey) -> Curve | None:
    """The curve of a key, None when it is none of ours."""
    return next((curve for curve in CURVES if curve.name == key.curve.name), None)
