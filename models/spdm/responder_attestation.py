# SPDX-License-Identifier: Apache-2.0
"""Responder: certificates, challenge and measurements (SPDM-CRT-001, SPDM-MEA-001)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from models.spdm.codes import (
    NONCE_SIZE,
    BaseHash,
    ErrorCode,
    MeasurementOperation,
    SummaryType,
)
from models.spdm.identity import DeviceIdentity
from models.spdm.measurements import Measurement, summary_hash
from models.spdm.messages import (
    Certificate,
    Challenge,
    ChallengeAuth,
    Digests,
    GetCertificate,
    GetMeasurements,
    Measurements,
)
from models.spdm.responder_state import RefusedError
from models.spdm.signing import Entropy, SigningContext
from models.spdm.transcript import Transcript

SLOT = 0
SLOT_MASK = 1 << SLOT


@dataclass(slots=True)
class Attestor:
    """Proves who the device is and what it runs."""

    identity: DeviceIdentity
    measurements: tuple[Measurement, ...]
    entropy: Entropy

    def summary(self, kind: int) -> bytes:
        """The summary hash that a request asks for, empty for none."""
        if kind not in SummaryType.__members__.values():
            raise RefusedError(ErrorCode.INVALID_REQUEST)
        if kind == SummaryType.NONE:
            return b""
        if not self.measurements:
            raise RefusedError(ErrorCode.INVALID_REQUEST)
        return summary_hash(self.measurements, kind, BaseHash.SHA_384)

    def digests(self) -> bytes:
        """DIGESTS."""
        return Digests(slot_mask=SLOT_MASK, digests=(self.identity.chain_digest,)).encode()

    def certificate(self, request: GetCertificate, room: int) -> bytes:
        """CERTIFICATE with as much as is wanted, is there and fits `room` bytes."""
        chain = self.identity.chain
        if request.slot != SLOT or request.offset >= len(chain):
            raise RefusedError(ErrorCode.INVALID_REQUEST)
        size = min(request.length, room - Certificate.FIXED_SIZE)
        portion = chain[request.offset : request.offset + size]
        remainder = len(chain) - request.offset - len(portion)
        return Certificate(slot=SLOT, portion=portion, remainder=remainder).encode()

    def challenge(self, request: Challenge, exact: bytes, log: Transcript) -> bytes:
        """CHALLENGE_AUTH, signed over `log`, which holds M1 before CHALLENGE."""
        if request.slot != SLOT:
            raise RefusedError(ErrorCode.INVALID_REQUEST)
        answer = ChallengeAuth(
            slot=SLOT,
            slot_mask=SLOT_MASK,
            chain_hash=self.identity.chain_digest,
            nonce=self.entropy.randbytes(NONCE_SIZE),
            summary=self.summary(request.summary_type),
        )
        signed = log.fork().append(exact, answer.signed_part())
        signature = self.identity.sign(SigningContext.CHALLENGE_AUTH, signed.digest())
        return replace(answer, signature=signature).encode()

    def measure(
        self, request: GetMeasurements, exact: bytes, log: Transcript
    ) -> tuple[bytes, Transcript]:
        """MEASUREMENTS, signed over `log` if that is wanted, and the log after it."""
        if request.slot != SLOT:
            raise RefusedError(ErrorCode.INVALID_REQUEST)
        blocks = self._selected(request.operation)
        counting = request.operation == MeasurementOperation.COUNT
        answer = Measurements(
            total=len(self.measurements) if counting else 0,
            slot=SLOT,
            blocks=len(blocks),
            record=b"".join(block.encode() for block in blocks),
            nonce=self.entropy.randbytes(NONCE_SIZE),
        )
        after = log.fork().append(exact, answer.signed_part())
        if request.signed:
            signature = self.identity.sign(SigningContext.MEASUREMENTS, after.digest())
            answer = replace(answer, signature=signature)
        return answer.encode(), after

    def _selected(self, operation: int) -> tuple[Measurement, ...]:
        if operation == MeasurementOperation.COUNT:
            return ()
        if operation == MeasurementOperation.ALL:
            return self.measurements
        chosen = tuple(block for block in self.measurements if block.index == operation)
        if not chosen:
            raise RefusedError(ErrorCode.INVALID_REQUEST)
        return chosen
