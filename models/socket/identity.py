# SPDX-License-Identifier: Apache-2.0
"""Certificates and key of the served device: from files, or a test PKI made on the spot."""

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

from models.socket.config import ConfigError, IdentityFiles
from models.spdm.certificates import decode_chain, encode_chain
from models.spdm.errors import CertificateError
from models.spdm.identity import DeviceIdentity
from models.spdm.signing import CURVE

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
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.curve.name != CURVE.name:
        raise ConfigError(f"{path}: the key is not of curve {CURVE.name}")
    return key


def _root_first(
    certificates: Sequence[x509.Certificate], path: Path
) -> tuple[x509.Certificate, ...]:
    """The chain in the order of SPDM; a file with the leaf first is turned round."""
    for chain in (tuple(certificates), tuple(reversed(certificates))):
        if all(subject.issuer == issuer.subject for issuer, subject in pairwise(chain)):
            return chain
    raise ConfigError(f"{path}: the certificates are no chain from root to leaf")


def make_identity(files: IdentityFiles, seed: int) -> DeviceIdentity:
    """The identity of `files`; without any, a test identity that depends on `seed` alone."""
    if files.chain is None or files.key is None:
        return DeviceIdentity.generate(random.Random(seed))
    chain = _root_first(read_certificates(files.chain), files.chain)
    key = _read_key(files.key)
    if chain[-1].public_key() != key.public_key():
        raise ConfigError(f"{files.key} is not the key of the last certificate in {files.chain}")
    return DeviceIdentity(chain, encode_chain(chain), key)


def write_root(identity: DeviceIdentity, path: Path) -> None:
    """Write what a requester has to trust, as DER where the name ends so, else as PEM."""
    encoding = Encoding.DER if path.suffix in (".der", ".cer") else Encoding.PEM
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(identity.root.public_bytes(encoding))
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
