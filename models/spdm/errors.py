# SPDX-License-Identifier: Apache-2.0
"""Every failure of this package is an `SpdmError`; its text is one line."""

from __future__ import annotations

from models.spdm.codes import ErrorCode


class SpdmError(Exception):
    """Base of all failures of the SPDM model."""


class EncodeError(SpdmError):
    """A field does not fit its place in a message."""


class DecodeError(SpdmError):
    """Bytes are no valid message: a length or a fixed field is wrong."""


class RecordError(SpdmError):
    """A secured record was refused; its plain text is never used (SEC-REC-007)."""


class SignatureError(SpdmError):
    """A signature does not verify over the transcript (SPDM-MEA-001, SPDM-KEX-001)."""


class CertificateError(SpdmError):
    """A certificate chain does not lead to a trusted root, or its digest differs."""


class NegotiationError(SpdmError):
    """The peer offers no acceptable version, capability or algorithm."""


class NoResponseError(SpdmError):
    """The peer did not answer."""


class UnexpectedResponseError(SpdmError):
    """The peer answered with something that does not belong to the request."""


class SessionError(SpdmError):
    """The session is over, or was never there."""


class ErrorResponseError(SpdmError):
    """The peer answered with the SPDM message ERROR."""

    def __init__(self, code: int, data: int) -> None:
        known = code in ErrorCode.__members__.values()
        name = ErrorCode(code).name if known else f"0x{code:02x}"
        super().__init__(f"SPDM ERROR {name}, data 0x{data:02x}")
        self.code = code
        self.data = data
