# SPDX-License-Identifier: Apache-2.0
"""Signatures of SPDM 1.2 with ECDSA P-384, and keys made from given randomness."""

from __future__ import annotations

from enum import Enum
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)

from models.spdm.errors import DecodeError, SignatureError

COORDINATE_SIZE = 48
SIGNATURE_SIZE = 2 * COORDINATE_SIZE
EXCHANGE_SIZE = 2 * COORDINATE_SIZE
PREFIX = b"dmtf-spdm-v1.2.*" * 4
CONTEXT_SIZE = 36
UNCOMPRESSED = b"\x04"
CURVE = ec.SECP384R1()
GROUP_ORDER = int(
    "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973",
    16,
)
# 64 bits more than the order: the bias of the reduction is negligible.
SCALAR_BYTES = COORDINATE_SIZE + 8


class Entropy(Protocol):
    """Where random bytes come from; `random.Random` is one, for repeatable runs."""

    def randbytes(self, n: int, /) -> bytes:
        """`n` random bytes."""


class SigningContext(Enum):
    """What is signed, so that no signature serves for another purpose."""

    KEY_EXCHANGE_RSP = b"responder-key_exchange_rsp signing"
    CHALLENGE_AUTH = b"responder-challenge_auth signing"
    MEASUREMENTS = b"responder-measurements signing"


def private_key(entropy: Entropy) -> ec.EllipticCurvePrivateKey:
    """A P-384 key from `entropy`."""
    scalar = int.from_bytes(entropy.randbytes(SCALAR_BYTES), "big") % (GROUP_ORDER - 1) + 1
    return ec.derive_private_key(scalar, CURVE)


def exchange_data(key: ec.EllipticCurvePrivateKey) -> bytes:
    """The public point as X || Y."""
    numbers = key.public_key().public_numbers()
    return b"".join(value.to_bytes(COORDINATE_SIZE, "big") for value in (numbers.x, numbers.y))


def shared_secret(key: ec.EllipticCurvePrivateKey, peer_data: bytes) -> bytes:
    """X of the ECDH point; DecodeError when `peer_data` is no point of the curve."""
    try:
        peer = ec.EllipticCurvePublicKey.from_encoded_point(CURVE, UNCOMPRESSED + peer_data)
    except ValueError:
        raise DecodeError("exchange data is no point of secp384r1") from None
    return key.exchange(ec.ECDH(), peer)


def signing_input(context: SigningContext, transcript_hash: bytes) -> bytes:
    """What goes into the signature algorithm: prefix, padded context, hash."""
    return PREFIX + context.value.rjust(CONTEXT_SIZE, b"\0") + transcript_hash


def sign(key: ec.EllipticCurvePrivateKey, context: SigningContext, transcript_hash: bytes) -> bytes:
    """r || s, each big-endian; repeatable, since the nonce is derived from key and input."""
    algorithm = ec.ECDSA(hashes.SHA384(), deterministic_signing=True)
    der = key.sign(signing_input(context, transcript_hash), algorithm)
    return b"".join(part.to_bytes(COORDINATE_SIZE, "big") for part in decode_dss_signature(der))


def verify(
    key: ec.EllipticCurvePublicKey,
    context: SigningContext,
    transcript_hash: bytes,
    signature: bytes,
) -> None:
    """Raises SignatureError unless `signature` is right."""
    if len(signature) != SIGNATURE_SIZE:
        raise SignatureError(f"signature of {len(signature)} bytes, expected {SIGNATURE_SIZE}")
    r, s = (
        int.from_bytes(part, "big")
        for part in (signature[:COORDINATE_SIZE], signature[COORDINATE_SIZE:])
    )
    data = signing_input(context, transcript_hash)
    try:
        key.verify(encode_dss_signature(r, s), data, ec.ECDSA(hashes.SHA384()))
    except InvalidSignature:
        raise SignatureError(f"{context.value.decode()}: signature does not verify") from None
