# SPDX-License-Identifier: Apache-2.0
"""ECDSA signatures of SPDM, and keys made from given randomness."""

from __future__ import annotations

from enum import Enum
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    Prehashed,
    decode_dss_signature,
    encode_dss_signature,
)

from models.spdm.codes import VERSION_1_2
from models.spdm.curves import P384, Curve, curve_of
from models.spdm.errors import DecodeError, SignatureError
from models.spdm.key_schedule import HASHES
from models.spdm.suite import DEFAULT_SUITE, Suite

CONTEXT_SIZE = 36
PREFIX_COUNT = 4
UNCOMPRESSED = b"\x04"
CURVE = P384.curve  # of an identity that is made without saying which
# Bytes of randomness beyond the group order: the bias of the reduction is negligible.
EXTRA_SCALAR_BYTES = 8


class Entropy(Protocol):
    """Where random bytes come from; `random.Random` is one, for repeatable runs."""

    def randbytes(self, n: int, /) -> bytes:
        """`n` random bytes."""


class SigningContext(Enum):
    """What is signed, so that no signature serves for another purpose."""

    KEY_EXCHANGE_RSP = b"responder-key_exchange_rsp signing"
    CHALLENGE_AUTH = b"responder-challenge_auth signing"
    MEASUREMENTS = b"responder-measurements signing"


def private_key(entropy: Entropy, curve: Curve = P384) -> ec.EllipticCurvePrivateKey:
    """A key of `curve` from `entropy`."""
    raw = entropy.randbytes(curve.size + EXTRA_SCALAR_BYTES)
    scalar = int.from_bytes(raw, "big") % (curve.order - 1) + 1
    return ec.derive_private_key(scalar, curve.curve)


def _size(key: ec.EllipticCurvePrivateKey | ec.EllipticCurvePublicKey) -> int:
    """Bytes of a coordinate of a key's curve."""
    return (key.key_size + 7) // 8


def exchange_data(key: ec.EllipticCurvePrivateKey) -> bytes:
    """The public point as X || Y."""
    numbers = key.public_key().public_numbers()
    return b"".join(value.to_bytes(_size(key), "big") for value in (numbers.x, numbers.y))


def shared_secret(key: ec.EllipticCurvePrivateKey, peer_exchange_data: bytes) -> bytes:
    """X coordinate of the shared point; DecodeError when the peer's point is none."""
    try:
        peer = ec.EllipticCurvePublicKey.from_encoded_point(
            key.curve, UNCOMPRESSED + peer_exchange_data
        )
    except ValueError:
        raise DecodeError(f"exchange data is no point of {key.curve.name}") from None
    return key.exchange(ec.ECDH(), peer)


def signing_input(
    context: SigningContext, transcript_hash: bytes, version: int = VERSION_1_2
) -> bytes:
    """What goes into the signature algorithm from 1.2 on: prefix, padded context, hash."""
    prefix = f"dmtf-spdm-v{version >> 4}.{version & 0xF}.*".encode() * PREFIX_COUNT
    return prefix + context.value.rjust(CONTEXT_SIZE, b"\0") + transcript_hash


def _to_sign(
    context: SigningContext, transcript_hash: bytes, suite: Suite
) -> tuple[bytes, hashes.HashAlgorithm | Prehashed]:
    """The data of the signature algorithm and its hash; before 1.2 the log itself is signed."""
    algorithm = HASHES[suite.base_hash]()
    if suite.version < VERSION_1_2:
        return transcript_hash, Prehashed(algorithm)
    return signing_input(context, transcript_hash, suite.version), algorithm


def sign(
    key: ec.EllipticCurvePrivateKey,
    context: SigningContext,
    transcript_hash: bytes,
    suite: Suite = DEFAULT_SUITE,
) -> bytes:
    """r || s, each big-endian; repeatable, since the nonce is derived from key and input."""
    data, algorithm = _to_sign(context, transcript_hash, suite)
    der = key.sign(data, ec.ECDSA(algorithm, deterministic_signing=True))
    return b"".join(part.to_bytes(_size(key), "big") for part in decode_dss_signature(der))


def verify(
    key: ec.EllipticCurvePublicKey,
    context: SigningContext,
    transcript_hash: bytes,
    signature: bytes,
    suite: Suite = DEFAULT_SUITE,
) -> None:
    """Raises SignatureError unless `signature` is right."""
    size = _size(key)
    if len(signature) != 2 * size:
        raise SignatureError(f"signature of {len(signature)} bytes, expected {2 * size}")
    r, s = (int.from_bytes(part, "big") for part in (signature[:size], signature[size:]))
    data, algorithm = _to_sign(context, transcript_hash, suite)
    try:
        key.verify(encode_dss_signature(r, s), data, ec.ECDSA(algorithm))
    except InvalidSignature:
        raise SignatureError(f"{context.value.decode()}: signature does not verify") from None


__all__ = [
    "CURVE",
    "Entropy",
    "SigningContext",
    "curve_of",
    "exchange_data",
    "private_key",
    "shared_secret",
    "sign",
    "signing_input",
    "verify",
]
