# SPDX-License-Identifier: Apache-2.0
"""The device's key and certificate chain: root, intermediate, leaf (SPDM-CRT-001)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID, ObjectIdentifier

from models.spdm.certificates import encode_chain
from models.spdm.codes import BaseHash
from models.spdm.signing import Entropy, SigningContext, private_key, sign
from models.spdm.transcript import digest

NOT_BEFORE = datetime(2024, 1, 1, tzinfo=UTC)
NOT_AFTER = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)  # a device has no expiry date
RESPONDER_AUTHENTICATION = ObjectIdentifier("1.3.6.1.4.1.412.274.3")
SERIAL_BYTES = 16


@dataclass(frozen=True, slots=True)
class _Authority:
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey = field(repr=False)


def _usage(*, ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )


def _certify(
    name: str, issuer: _Authority | None, path_length: int | None, entropy: Entropy
) -> _Authority:
    """A key with its certificate; `path_length` None makes a leaf, no issuer makes a root."""
    key = private_key(entropy)
    ca = path_length is not None
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    signer = issuer.key if issuer else key
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(int.from_bytes(entropy.randbytes(SERIAL_BYTES), "big") | 1)
        .not_valid_before(NOT_BEFORE)
        .not_valid_after(NOT_AFTER)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=path_length), critical=True)
        .add_extension(_usage(ca=ca), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()),
            critical=False,
        )
    )
    if not ca:
        purposes = x509.ExtendedKeyUsage([RESPONDER_AUTHENTICATION])
        builder = builder.add_extension(purposes, critical=False)
    certificate = builder.sign(signer, hashes.SHA384(), ecdsa_deterministic=True)
    return _Authority(certificate, key)


@dataclass(frozen=True, slots=True)
class DeviceIdentity:
    """What slot 0 of the device holds. The key never leaves this object."""

    certificates: tuple[x509.Certificate, ...]  # root first, leaf last
    chain: bytes  # the structure of GET_CERTIFICATE
    _key: ec.EllipticCurvePrivateKey = field(repr=False)

    @classmethod
    def generate(cls, entropy: Entropy, name: str = "TDISP device") -> DeviceIdentity:
        """A fresh identity; the same `entropy` gives the same bytes."""
        root = _certify(f"{name} root CA", None, 1, entropy)
        intermediate = _certify(f"{name} model CA", root, 0, entropy)
        leaf = _certify(name, intermediate, None, entropy)
        certificates = (root.certificate, intermediate.certificate, leaf.certificate)
        return cls(certificates, encode_chain(certificates), leaf.key)

    @property
    def root(self) -> x509.Certificate:
        """What a verifier has to trust."""
        return self.certificates[0]

    @property
    def chain_digest(self) -> bytes:
        """The digest of slot 0."""
        return digest(BaseHash.SHA_384, self.chain)

    def sign(self, context: SigningContext, transcript_hash: bytes) -> bytes:
        """r || s of the leaf key."""
        return sign(self._key, context, transcript_hash)
