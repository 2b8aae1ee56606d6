# SPDX-License-Identifier: Apache-2.0
"""Keys of the device and their certificate chains: root, intermediate, leaf (SPDM-CRT-001)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID, ObjectIdentifier

from models.spdm.certificates import encode_chain
from models.spdm.codes import NUM_SLOTS, BaseAsym, BaseHash
from models.spdm.curves import P256, P384, Curve, curve_of
from models.spdm.errors import CertificateError
from models.spdm.signing import Entropy, SigningContext, private_key, sign
from models.spdm.suite import DEFAULT_SUITE, Suite
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
    name: str,
    issuer: _Authority | None,
    path_length: int | None,
    entropy: Entropy,
    curve: Curve = P384,
) -> _Authority:
    """A key with its certificate; `path_length` None makes a leaf, no issuer makes a root."""
    key = private_key(entropy, curve)
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
    """A key and its chain. The key never leaves this object."""

    certificates: tuple[x509.Certificate, ...]  # root first, leaf last
    chain: bytes  # the structure of GET_CERTIFICATE under SHA-384
    _key: ec.EllipticCurvePrivateKey = field(repr=False)

    @classmethod
    def generate(cls, entropy: Entropy, name: str = "TDISP device") -> DeviceIdentity:
        """A fresh identity of curve P-384; the same `entropy` gives the same bytes."""
        issuers = _issuers(entropy, name)
        return cls._issue(issuers, entropy, name, P384)

    @classmethod
    def _issue(
        cls, issuers: Sequence[_Authority], entropy: Entropy, name: str, curve: Curve
    ) -> DeviceIdentity:
        leaf = _certify(name, issuers[-1], None, entropy, curve)
        certificates = (*(issuer.certificate for issuer in issuers), leaf.certificate)
        return cls(certificates, encode_chain(certificates), leaf.key)

    @classmethod
    def of(
        cls, certificates: Sequence[x509.Certificate], key: ec.EllipticCurvePrivateKey
    ) -> DeviceIdentity:
        """The identity of a chain, root first; CertificateError unless its leaf has `key`."""
        if curve_of(key) is None:
            raise CertificateError(f"the key is of curve {key.curve.name}, which is not supported")
        if certificates[-1].public_key() != key.public_key():
            raise CertificateError("the key is not the one of the last certificate")
        return cls(tuple(certificates), encode_chain(certificates), key)

    @property
    def asym(self) -> BaseAsym:
        """The signature algorithm of the key."""
        curve = curve_of(self._key)
        return curve.asym if curve else BaseAsym(0)

    def chain_under(self, base_hash: BaseHash) -> bytes:
        """The structure of GET_CERTIFICATE; the hash of the root is in it."""
        return encode_chain(self.certificates, base_hash)

    def digest_under(self, base_hash: BaseHash) -> bytes:
        """The digest of that structure."""
        return digest(base_hash, self.chain_under(base_hash))

    @property
    def root(self) -> x509.Certificate:
        """What a verifier has to trust."""
        return self.certificates[0]

    @property
    def chain_digest(self) -> bytes:
        """The digest under SHA-384."""
        return digest(BaseHash.SHA_384, self.chain)

    def sign(
        self, context: SigningContext, transcript_hash: bytes, suite: Suite = DEFAULT_SUITE
    ) -> bytes:
        """r || s of the leaf key."""
        return sign(self._key, context, transcript_hash, suite)


def _issuers(entropy: Entropy, name: str) -> tuple[_Authority, _Authority]:
    root = _certify(f"{name} root CA", None, 1, entropy)
    return root, _certify(f"{name} model CA", root, 0, entropy)


@dataclass(frozen=True, slots=True)
class SlotStore:
    """The certificate slots; a slot may hold one identity for each signature algorithm."""

    slots: Mapping[int, tuple[DeviceIdentity, ...]]

    def __post_init__(self) -> None:
        for slot, identities in self.slots.items():
            if not 0 <= slot < NUM_SLOTS:
                raise CertificateError(f"slot {slot}: it must be 0 to {NUM_SLOTS - 1}")
            kinds = [identity.asym for identity in identities]
            if len(set(kinds)) != len(kinds):
                raise CertificateError(f"slot {slot} has two keys of one algorithm")
        if not self.slots.get(0):
            raise CertificateError("slot 0 must be filled")

    @classmethod
    def single(cls, identity: DeviceIdentity) -> SlotStore:
        """Only slot 0 is filled."""
        return cls({0: (identity,)})

    @property
    def asym(self) -> BaseAsym:
        """Algorithms that can be selected: those of slot 0."""
        bits = BaseAsym(0)
        for identity in self.slots[0]:
            bits |= identity.asym
        return bits

    def find(self, slot: int, asym: int) -> DeviceIdentity | None:
        """What a slot holds for an algorithm."""
        return next((i for i in self.slots.get(slot, ()) if i.asym == asym), None)

    def filled(self, asym: int) -> tuple[int, ...]:
        """Slots that hold something for an algorithm, ascending."""
        return tuple(slot for slot in sorted(self.slots) if self.find(slot, asym))

    def mask(self, asym: int) -> int:
        """The same as bits."""
        return sum(1 << slot for slot in self.filled(asym))


@dataclass(frozen=True, slots=True)
class TestPki:
    """Slots under one root that was made for a test."""

    __test__ = False  # no test case in spite of its name

    root: x509.Certificate
    store: SlotStore


def make_test_pki(
    entropy: Entropy,
    slots: Sequence[int] = (0, 1),
    curves: Sequence[Curve] = (P384, P256),
    name: str = "TDISP device",
) -> TestPki:
    """Fresh keys of every curve for every slot; the same `entropy` gives the same bytes."""
    issuers = _issuers(entropy, name)
    store = SlotStore(
        {
            slot: tuple(
                DeviceIdentity._issue(issuers, entropy, f"{name} slot {slot}", curve)
                for curve in curves
            )
            for slot in slots
        }
    )
    return TestPki(issuers[0].certificate, store)
