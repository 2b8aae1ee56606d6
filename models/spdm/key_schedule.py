# SPDX-License-Identifier: Apache-2.0
"""Key schedule of SPDM 1.1 and later (SPDM-KEY-001)."""

from __future__ import annotations

from dataclasses import dataclass, field

from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from models.spdm.codes import AEAD_IV_SIZE, AEAD_KEY_SIZE, VERSION_1_2, BaseHash
from models.spdm.record import RecordKeys

HASHES: dict[BaseHash, type[hashes.HashAlgorithm]] = {
    BaseHash.SHA_256: hashes.SHA256,
    BaseHash.SHA_384: hashes.SHA384,
    BaseHash.SHA_512: hashes.SHA512,
}


def bin_concat(
    length: int, label: bytes, context: bytes = b"", version: int = VERSION_1_2
) -> bytes:
    """The info string of one derivation; it names the negotiated version."""
    name = f"spdm{version >> 4}.{version & 0xF} ".encode()
    return length.to_bytes(2, "little") + name + label + context


@dataclass(frozen=True, slots=True)
class HandshakeSecrets:
    """Secrets between KEY_EXCHANGE_RSP and FINISH_RSP."""

    handshake: bytes = field(repr=False)
    request: bytes = field(repr=False)  # S0
    response: bytes = field(repr=False)  # S1


@dataclass(frozen=True, slots=True)
class ApplicationSecrets:
    """Secrets after FINISH_RSP; `request` and `response` change with each key update."""

    request: bytes = field(repr=False)  # S2
    response: bytes = field(repr=False)  # S3
    export: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class KeySchedule:
    """All derivations, for one hash algorithm and version."""

    base_hash: BaseHash = BaseHash.SHA_384
    version: int = VERSION_1_2

    @property
    def algorithm(self) -> hashes.HashAlgorithm:
        """A fresh instance of the hash algorithm."""
        return HASHES[self.base_hash]()

    @property
    def hash_size(self) -> int:
        """Bytes of one hash."""
        return self.algorithm.digest_size

    def hmac(self, key: bytes, data: bytes) -> bytes:
        """HMAC of `data`."""
        mac = hmac.HMAC(key, self.algorithm)
        mac.update(data)
        return mac.finalize()

    def extract(self, salt: bytes, ikm: bytes) -> bytes:
        """HKDF-Extract."""
        return self.hmac(salt, ikm)

    def expand(self, secret: bytes, info: bytes, length: int) -> bytes:
        """HKDF-Expand."""
        return HKDFExpand(self.algorithm, length, info).derive(secret)

    def _derive(self, secret: bytes, label: bytes, context: bytes = b"") -> bytes:
        size = self.hash_size
        return self._expand_label(secret, size, label, context)

    def _expand_label(self, secret: bytes, size: int, label: bytes, context: bytes = b"") -> bytes:
        return self.expand(secret, bin_concat(size, label, context, self.version), size)

    def handshake(self, dhe_secret: bytes, th1: bytes) -> HandshakeSecrets:
        """From the shared secret and the hash of TH1."""
        secret = self.extract(bytes(self.hash_size), dhe_secret)
        return HandshakeSecrets(
            secret,
            self._derive(secret, b"req hs data", th1),
            self._derive(secret, b"rsp hs data", th1),
        )

    def master_secret(self, handshake_secret: bytes) -> bytes:
        """Master-Secret."""
        salt = self._derive(handshake_secret, b"derived")
        return self.extract(salt, bytes(self.hash_size))

    def application(self, handshake_secret: bytes, th2: bytes) -> ApplicationSecrets:
        """From the handshake secret and the hash of TH2."""
        master = self.master_secret(handshake_secret)
        return ApplicationSecrets(
            self._derive(master, b"req app data", th2),
            self._derive(master, b"rsp app data", th2),
            self._derive(master, b"exp master", th2),
        )

    def verify_data(self, direction_secret: bytes, transcript_hash: bytes) -> bytes:
        """HMAC under the finished key of S0 or S1."""
        return self.hmac(self.finished_key(direction_secret), transcript_hash)

    def finished_key(self, direction_secret: bytes) -> bytes:
        """Finished key of S0 or S1."""
        return self._derive(direction_secret, b"finished")

    def record_keys(self, direction_secret: bytes) -> RecordKeys:
        """AEAD key and IV of S0, S1, S2 or S3."""
        return RecordKeys(
            self._expand_label(direction_secret, AEAD_KEY_SIZE, b"key"),
            self._expand_label(direction_secret, AEAD_IV_SIZE, b"iv"),
        )

    def updated(self, direction_secret: bytes) -> bytes:
        """The secret that follows S2 or S3 in a key update."""
        return self._derive(direction_secret, b"traffic upd")
