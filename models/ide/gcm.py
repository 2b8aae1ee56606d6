# SPDX-License-Identifier: Apache-2.0
"""The GCM construction of IDE: IV, MAC on the wire, PCRC."""

from __future__ import annotations

import hmac
import zlib

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from models.ide.codes import MAC_SIZE, PCRC_SIZE

TAG_SIZE = 16


def iv(fixed_field: int, invocation: int) -> bytes:
    """96-bit IV: 32-bit fixed field, then the 64-bit invocation field (IDE-GCM-002)."""
    return fixed_field.to_bytes(4, "big") + invocation.to_bytes(8, "big")


def mac_on_wire(tag: bytes) -> bytes:
    """The 96-bit MAC in wire order, from the 128-bit tag (IDE-GCM-001).

    The only place that knows the byte order of the MAC: first tag byte first.
    """
    return tag[:MAC_SIZE]


def pcrc(plaintext: bytes) -> bytes:
    """PCRC of one unit's plaintext in wire order (IDE-PCRC-001)."""
    return zlib.crc32(plaintext).to_bytes(PCRC_SIZE, "little")


def seal(key: bytes, nonce: bytes, plaintext: bytes, aad: bytes) -> tuple[bytes, bytes]:
    """Ciphertext and MAC in wire order."""
    sealed = AESGCM(key).encrypt(nonce, plaintext, aad)
    return sealed[:-TAG_SIZE], mac_on_wire(sealed[-TAG_SIZE:])


def open_sealed(
    key: bytes, nonce: bytes, ciphertext: bytes, mac: bytes, aad: bytes
) -> bytes | None:
    """The plaintext, or None when the MAC does not match (IDE-GCM-008, IDE-GCM-009).

    The tag on the wire is shortened, so the plaintext is made by the counter mode, sealed again
    and compared in constant time.
    """
    zeros = AESGCM(key).encrypt(nonce, bytes(len(ciphertext)), None)[:-TAG_SIZE]
    plaintext = bytes(a ^ b for a, b in zip(ciphertext, zeros, strict=True))
    _, expected = seal(key, nonce, plaintext, aad)
    return plaintext if hmac.compare_digest(expected, mac) else None
