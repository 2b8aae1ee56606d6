# SPDX-License-Identifier: Apache-2.0
"""Certificate chains: what a verifier accepts, and what it must refuse."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from models.spdm.certificates import decode_chain, encode_chain, verify_chain
from models.spdm.codes import BaseHash
from models.spdm.errors import CertificateError
from models.spdm.identity import DeviceIdentity
from models.spdm.signing import SigningContext, private_key, verify
from models.spdm.transcript import digest
from tests.plan import covers

IDENTITY = DeviceIdentity.generate(random.Random(1))
OTHER = DeviceIdentity.generate(random.Random(2))
ROOT, INTERMEDIATE, LEAF = IDENTITY.certificates


@covers("SPDM-CRT-001")
def test_identity_is_repeatable_and_differs_between_seeds() -> None:
    assert DeviceIdentity.generate(random.Random(1)).chain == IDENTITY.chain
    assert OTHER.chain != IDENTITY.chain
    assert "key" not in repr(IDENTITY).replace("_key", "")


@covers("SPDM-CRT-001")
def test_chain_structure_is_length_root_hash_and_certificates() -> None:
    ders = [certificate.public_bytes(Encoding.DER) for certificate in IDENTITY.certificates]
    root_hash = digest(BaseHash.SHA_384, ders[0])
    size = len(IDENTITY.chain)
    assert IDENTITY.chain == size.to_bytes(2, "little") + bytes(2) + root_hash + b"".join(ders)
    assert decode_chain(IDENTITY.chain) == (root_hash, list(IDENTITY.certificates))


@covers("SPDM-CRT-001")
def test_verified_key_is_the_one_that_signs() -> None:
    key = verify_chain(
        IDENTITY.chain, [OTHER.root, IDENTITY.root], datetime(2030, 1, 1, tzinfo=UTC)
    )
    signature = IDENTITY.sign(SigningContext.CHALLENGE_AUTH, bytes(48))
    verify(key, SigningContext.CHALLENGE_AUTH, bytes(48), signature)


@covers("SPDM-CRT-001")
def test_a_chain_may_leave_its_root_out() -> None:
    full = encode_chain(IDENTITY.certificates)
    root_size = len(ROOT.public_bytes(Encoding.DER))
    body = full[4:52] + full[52 + root_size :]
    short = (len(body) + 4).to_bytes(4, "little") + body
    key = verify_chain(short, [IDENTITY.root])
    assert key.public_numbers() == verify_chain(full, [IDENTITY.root]).public_numbers()


def _forged_leaf() -> x509.Certificate:
    """The leaf under another key, signed by that key."""
    key = private_key(random.Random(9))
    builder = (
        x509.CertificateBuilder()
        .subject_name(LEAF.subject)
        .issuer_name(LEAF.issuer)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(LEAF.not_valid_before_utc)
        .not_valid_after(LEAF.not_valid_after_utc)
    )
    for extension in LEAF.extensions:
        builder = builder.add_extension(extension.value, extension.critical)
    return builder.sign(key, hashes.SHA384())


@covers("SPDM-CRT-001")
@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: OTHER.chain, "not trusted"),
        (lambda: encode_chain([ROOT]), "no leaf"),
        (lambda: encode_chain([ROOT, LEAF]), "not issued"),
        (lambda: encode_chain([ROOT, INTERMEDIATE, OTHER.certificates[2]]), "not issued"),
        (lambda: encode_chain([ROOT, INTERMEDIATE, _forged_leaf()]), "not issued"),
        (lambda: encode_chain([ROOT, INTERMEDIATE]), "may not sign"),
        (lambda: encode_chain([ROOT, INTERMEDIATE, LEAF, LEAF]), "path length"),
        (lambda: IDENTITY.chain[:-1], "length field"),
        (lambda: IDENTITY.chain + b"\0", "length field"),
        (lambda: b"", "no certificate"),
        (lambda: (52).to_bytes(4, "little") + bytes(48), "no certificate"),
        (lambda: (54).to_bytes(4, "little") + bytes(50), "no certificate"),
        (lambda: (54).to_bytes(4, "little") + bytes(48) + b"\x30\x05", "cut off"),
        (lambda: (55).to_bytes(4, "little") + bytes(48) + b"\x30\x01\x00", "no certificate"),
    ],
)
def test_an_unsound_chain_is_refused(make: Callable[[], bytes], message: str) -> None:
    with pytest.raises(CertificateError, match=message):
        verify_chain(make(), [IDENTITY.root])


@covers("SPDM-CRT-001")
def test_a_leaf_may_not_issue_certificates() -> None:
    with pytest.raises(CertificateError, match="may not issue"):
        verify_chain(encode_chain([LEAF, OTHER.certificates[2]]), [LEAF])


@covers("SPDM-CRT-001")
def test_a_chain_outside_its_validity_is_refused() -> None:
    with pytest.raises(CertificateError, match="not valid at 2020"):
        verify_chain(IDENTITY.chain, [IDENTITY.root], datetime(2020, 1, 1, tzinfo=UTC))


@covers("SPDM-CRT-001")
def test_a_leaf_on_another_curve_is_refused() -> None:
    issuer, leaf = private_key(random.Random(9)), ec.derive_private_key(5, ec.SECP256R1())

    def certify(template: x509.Certificate, key: ec.EllipticCurvePublicKey) -> x509.Certificate:
        builder = x509.CertificateBuilder(
            subject_name=template.subject,
            issuer_name=ROOT.subject,
            public_key=key,
            serial_number=1,
            not_valid_before=LEAF.not_valid_before_utc,
            not_valid_after=LEAF.not_valid_after_utc,
        )
        for kind in (x509.BasicConstraints, x509.KeyUsage):
            extension = template.extensions.get_extension_for_class(kind)
            builder = builder.add_extension(extension.value, critical=True)
        return builder.sign(issuer, hashes.SHA384())

    root = certify(ROOT, issuer.public_key())
    verify_chain(encode_chain([root, certify(LEAF, issuer.public_key())]), [root])
    with pytest.raises(CertificateError, match="not ECDSA P-384"):
        verify_chain(encode_chain([root, certify(LEAF, leaf.public_key())]), [root])
