# SPDX-License-Identifier: Apache-2.0
"""Certificates and keys of the served device: from files, or a test PKI made on the spot."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    load_der_private_key,
    load_pem_private_key,
)

from models.socket.config import ConfigError, IdentityFiles, SlotFiles
from models.spdm.certificates import decode_chain, verify_chain
from models.spdm.codes import BaseAsym
from models.spdm.curves import OF_ASYM
from models.spdm.errors import CertificateError
from models.spdm.identity import DeviceIdentity, SlotStore, make_test_pki

PEM = b"-----BEGIN "
CHAIN_HEAD = 4 + 48  # of the structure that holds DER certificates one behind the other


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error


def read_certificates(path: Path) -> list[x509.Certificate]:
    """The certificates of a PEM file, or of a file with DER ones behind each other."""
    raw = _read(path)
    try:
        if PEM in raw:
            return x509.load_pem_x509_certificates(raw)
        size = CHAIN_HEAD + len(raw)
        return decode_chain(size.to_bytes(4, "little") + bytes(CHAIN_HEAD - 4) + raw)[1]
    except (ValueError, CertificateError) as error:
        raise ConfigError(f"{path}: no certificates: {error}") from error


def _read_key(path: Path) -> ec.EllipticCurvePrivateKey:
    raw = _read(path)
    try:
        load = load_pem_private_key if PEM in raw else load_der_private_key
        key = load(raw, None)
    except (ValueError, TypeError) as error:
        raise ConfigError(f"{path}: no private key without a password") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ConfigError(f"{path}: the key is not of an elliptic curve")
    return key


def _root_first(
    certificates: Sequence[x509.Certificate], path: Path
) -> tuple[x509.Certificate, ...]:
    """The chain in the order of SPDM; a file with the leaf first is turned round."""
    for chain in (tuple(certificates), tuple(reversed(certificates))):
        if all(subject.issuer == issuer.subject for issuer, subject in pairwise(chain)):
            return chain
    raise ConfigError(f"{path}: the certificates are no chain from root to leaf")


def _from_files(files: SlotFiles) -> DeviceIdentity:
    chain = _root_first(read_certificates(files.chain), files.chain)
    key = _read_key(files.key)
    try:
        identity = DeviceIdentity.of(chain, key)
    except CertificateError as error:
        raise ConfigError(f"{files.key} and {files.chain}: {error}") from error
    try:  # as a requester that trusts the root will
        verify_chain(identity.chain, [identity.root], asym=identity.asym)
    except CertificateError as error:
        raise ConfigError(f"{files.chain}: {error}") from error
    return identity


def make_slots(files: IdentityFiles, seed: int, asym: Sequence[BaseAsym]) -> SlotStore:
    """The certificate slots from `files`; without any, a test PKI that depends on `seed` alone.

    The test PKI has a key for each of the algorithms `asym` in each slot. ConfigError for files
    with which no requester could authenticate the device.
    """
    if not files.slots:
        curves = [OF_ASYM[one] for one in asym]
        return make_test_pki(random.Random(seed), files.filled, curves).store
    slots: dict[int, tuple[DeviceIdentity, ...]] = {}
    for one in files.slots:
        slots[one.slot] = (*slots.get(one.slot, ()), _from_files(one))
    try:
        store = SlotStore(slots)
    except CertificateError as error:
        raise ConfigError(f"identity: {error}") from error
    if not any(store.asym & one for one in asym):
        wanted = ", ".join(str(one.name) for one in asym)
        raise ConfigError(f"identity: slot 0 has no key for any of spdm.asym: {wanted}")
    return store


def _roots(slots: SlotStore) -> list[x509.Certificate]:
    """Every root once, in the order of the slots."""
    found = (identity.root for slot in sorted(slots.slots) for identity in slots.slots[slot])
    return list(dict.fromkeys(found))


def write_root(slots: SlotStore, path: Path) -> None:
    """Write what a requester has to trust: the roots, as PEM; as DER where the name ends so.

    Of slot 0 first; a DER file can hold that one only.
    """
    binary = path.suffix in (".der", ".cer")
    encoding, count = (Encoding.DER, 1) if binary else (Encoding.PEM, None)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"".join(root.public_bytes(encoding) for root in _roots(slots)[:count]))
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
