# SPDX-License-Identifier: Apache-2.0
"""The elliptic curves of signatures and key exchanges (SPDM-VCA-001)."""

from __future__ import annotations

from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import ec

from models.spdm.codes import BaseAsym, Dhe


@dataclass(frozen=True, slots=True)
class Curve:
    """A curve with the size of its coordinates in bytes and the order of its group."""

    curve: ec.EllipticCurve
    size: int
    order: int
    asym: BaseAsym
    dhe: Dhe

    @property
    def name(self) -> str:
        """As certificates name it."""
        return self.curve.name


P256 = Curve(
    ec.SECP256R1(),
    32,
    0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
    BaseAsym.ECDSA_P256,
    Dhe.SECP256R1,
)
P384 = Curve(
    ec.SECP384R1(),
    48,
    int(
        "ffffffffffffffffffffffffffffffffffffffffffffffff"
        "c7634d81f4372ddf581a0db248b0a77aecec196accc52973",
        16,
    ),
    BaseAsym.ECDSA_P384,
    Dhe.SECP384R1,
)
P521 = Curve(
    ec.SECP521R1(),
    66,
    int(
        "01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa"
        "51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409",
        16,
    ),
    BaseAsym.ECDSA_P521,
    Dhe.SECP521R1,
)
CURVES = (P256, P384, P521)
OF_ASYM = {curve.asym: curve for curve in CURVES}
OF_DHE = {curve.dhe: curve for curve in CURVES}


def curve_of(key: ec.EllipticCurvePrivateKey | ec.EllipticCurvePublicKey) -> Curve | None:
    """The curve of a key, None when it is none of ours."""
    return next((curve for curve in CURVES if curve.name == key.curve.name), None)
