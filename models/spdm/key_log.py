# SPDX-License-Identifier: Apache-2.0
"""Secrets of sessions for whoever has to read their records, as they are derived.

Nothing is logged unless a hook is given. Whoever has the log can read and forge the records of its
sessions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from models.spdm.codes import BaseHash
from models.spdm.key_schedule import ApplicationSecrets, HandshakeSecrets
from models.spdm.suite import Suite


class SecretName(StrEnum):
    """What a secret is."""

    DHE = "dhe_secret"
    HANDSHAKE = "handshake_secret"
    REQUEST_HANDSHAKE = "request_handshake_secret"
    RESPONSE_HANDSHAKE = "response_handshake_secret"
    MASTER = "master_secret"
    REQUEST_DATA = "request_data_secret"
    RESPONSE_DATA = "response_data_secret"
    EXPORT = "export_master_secret"


KEYED = (
    SecretName.REQUEST_HANDSHAKE,
    SecretName.RESPONSE_HANDSHAKE,
    SecretName.REQUEST_DATA,
    SecretName.RESPONSE_DATA,
)


@dataclass(frozen=True, slots=True)
class LoggedSecret:
    """One secret of one session; `key` and `iv` are of AES-256-GCM, for the directions only."""

    session_id: int
    version: int  # header version, 0x12 for 1.2
    base_hash: BaseHash
    name: SecretName
    value: bytes = field(repr=False)
    key: bytes = field(default=b"", repr=False)
    iv: bytes = field(default=b"", repr=False)


KeyLog = Callable[[LoggedSecret], None]


class SessionKeyLog:
    """Calls the hook, if there is one, for the secrets of one session."""

    def __init__(self, hook: KeyLog | None, session_id: int, suite: Suite) -> None:
        self._hook = hook
        self._session_id = session_id
        self._suite = suite

    def _log(self, name: SecretName, value: bytes) -> None:
        if self._hook is None:
            return
        key = iv = b""
        if name in KEYED:
            keys = self._suite.schedule.record_keys(value)
            key, iv = keys.key, keys.iv
        suite = self._suite
        entry = LoggedSecret(self._session_id, suite.version, suite.base_hash, name, value, key, iv)
        self._hook(entry)

    def handshake(self, dhe_secret: bytes, secrets: HandshakeSecrets) -> None:
        """After KEY_EXCHANGE."""
        self._log(SecretName.DHE, dhe_secret)
        self._log(SecretName.HANDSHAKE, secrets.handshake)
        self._log(SecretName.REQUEST_HANDSHAKE, secrets.request)
        self._log(SecretName.RESPONSE_HANDSHAKE, secrets.response)

    def application(self, handshake_secret: bytes, secrets: ApplicationSecrets) -> None:
        """After FINISH."""
        if self._hook is not None:
            self._log(SecretName.MASTER, self._suite.schedule.master_secret(handshake_secret))
        self._log(SecretName.EXPORT, secrets.export)
        self._log(SecretName.REQUEST_DATA, secrets.request)
        self._log(SecretName.RESPONSE_DATA, secrets.response)

    def updated_request(self, secret: bytes) -> None:
        """After a key update."""
        self._log(SecretName.REQUEST_DATA, secret)

    def updated_response(self, secret: bytes) -> None:
        """After an update of all keys."""
        self._log(SecretName.RESPONSE_DATA, secret)
