# SPDX-License-Identifier: Apache-2.0
"""Certificate chain structure and its check against trusted roots (SPDM-CRT-001)."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from models.spdm.codes import BaseAsym, BaseHash
from models.spdm.curves import OF_ASYM
from models.spdm.errors import CertificateError
from models.spdm.transcript import digest

LENGTH_SIZE = 4  # u16 length, u16 reserved
DER_SEQUENCE = 0x30
DER_LONG_FORM = 0x80


def _der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)


def encode_chain(
    certificates: Sequence[x509.Certificate], base_hash: BaseHash = BaseHash.SHA_384
) -> bytes:
    """The structure that CERTIFICATE carries, of a chain that begins with its root."""
    body = digest(base_hash, _der(certificates[0])) + b"".join(map(_der, certificates))
    length = LENGTH_SIZE + len(body)
    if length >= 1 << 16:
        raise CertificateError(f"chain of {length} bytes does not fit its length field")
    return length.to_bytes(LENGTH_SIZE, "little") + body


def _der_size(raw: bytes) -> int:
    if len(raw) < 2 or raw[0] != DER_SEQUENCE:
        raise CertificateError("chain holds something that is no certificate")
    if raw[1] < DER_LONG_FORM:
        return 2 + raw[1]
    count = raw[1] & ~DER_LONG_FORM
    return 2 + count + int.from_bytes(raw[2 : 2 + count], "big")


def decode_chain(
    raw: bytes, base_hash: BaseHash = BaseHash.SHA_384
) -> tuple[bytes, list[x509.Certificate]]:
    """Root hash and certificates of a chain structure; CertificateError when it is malformed."""
    if int.from_bytes(raw[:LENGTH_SIZE], "little") != len(raw):
        raise CertificateError(f"chain length field does not say {len(raw)} bytes")
    start = LENGTH_SIZE + len(digest(base_hash, b""))
    root_hash, rest = raw[LENGTH_SIZE:start], raw[start:]
    certificates = []
    while rest:
        size = _der_size(rest)
        if size > len(rest):
            raise CertificateError("last certificate of the chain is cut off")
        try:
            certificates.append(x509.load_der_x509_certificate(rest[:size]))
        except ValueError:
            raise CertificateError("chain holds something that is no certificate") from None
        rest = rest[size:]
    if not certificates:
        raise CertificateError("chain holds no certificate")
    return root_hash, certificates


def verify_chain(
    raw: bytes,
    trusted_roots: Iterable[x509.Certificate],
    at: datetime | None = None,
    base_hash: BaseHash = BaseHash.SHA_384,
    asym: BaseAsym = BaseAsym.ECDSA_P384,
) -> ec.EllipticCurvePublicKey:
    """The leaf key of a chain structure that leads to one of `trusted_roots`.

    `at` is the time for the validity check, None when there is no clock. Raises
    CertificateError on anything wrong.
    """
    root_hash, certificates = decode_chain(raw, base_hash)
    root = next((r for r in trusted_roots if digest(base_hash, _der(r)) == root_hash), None)
    if root is None:
        raise CertificateError(f"root {root_hash.hex()[:16]}... is not trusted")
    if certificates[0] != root:
        certificates.insert(0, root)
    if len(certificates) < 2:
        raise CertificateError("chain has no leaf under its root")
    for depth, (issuer, subject) in enumerate(itertools.pairwise(certificates)):
        _check_issuer(issuer, len(certificates) - depth - 2)
        _check_issued(issuer, subject)
    for certificate in certificates:
        _check_time(certificate, at)
    return _leaf_key(certificates[-1], asym)


def _check_issuer(issuer: x509.Certificate, cas_below: int) -> None:
    name = issuer.subject.rfc4514_string()
    try:
        constraints = issuer.extensions.get_extension_for_class(x509.BasicConstraints).value
        usage = issuer.extensions.get_extension_for_class(x509.KeyUsage).value
    except (x509.ExtensionNotFound, ValueError):
        raise CertificateError(f"{name}: no basic constraints or key usage") from None
    if not constraints.ca or not usage.key_cert_sign:
        raise CertificateError(f"{name}: may not issue certificates")
    if constraints.path_length is not None and cas_below > constraints.path_length:
        raise CertificateError(f"{name}: path length {constraints.path_length} exceeded")


def _check_issued(issuer: x509.Certificate, subject: x509.Certificate) -> None:
    try:
        subject.verify_directly_issued_by(issuer)
    except (InvalidSignature, ValueError, TypeError):
        name = subject.subject.rfc4514_string()
        raise CertificateError(f"{name}: not issued by the certificate above it") from None


def _check_time(certificate: x509.Certificate, at: datetime | None) -> None:
    if at is None:
        return
    if not certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc:
        name = certificate.subject.rfc4514_string()
        raise CertificateError(f"{name}: not valid at {at.isoformat()}")


def _leaf_key(leaf: x509.Certificate, asym: BaseAsym) -> ec.EllipticCurvePublicKey:
    name = leaf.subject.rfc4514_string()
    try:
        usage = leaf.extensions.get_extension_for_class(x509.KeyUsage).value
        key = leaf.public_key()
    except (x509.ExtensionNotFound, ValueError):
        raise CertificateError(f"{name}: no key usage or no usable key") from None
    if not usage.digital_signature:
        raise CertificateError(f"{name}: may not sign")
    expected = OF_ASYM[asym]
    if not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name != expected.name:
        raise CertificateError(f"{name}: key is not ECDSA P-{expected.curve.key_size}")
    return key
