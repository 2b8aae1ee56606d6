# SPDX-License-Identifier: Apache-2.0
"""Responder: certificates, challenge and measurements (SPDM-CRT-001, SPDM-MEA-001)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from models.spdm.codes import (
    NONCE_SIZE,
    VERSION_1_3,
    ErrorCode,
    MeasurementOperation,
    SummaryType,
)
from models.spdm.identity import DeviceIdentity, SlotStore
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
from models.spdm.suite import Suite
from models.spdm.transcript import Transcript


@dataclass(slots=True)
class Attestor:
    """Proves who the device is and what it runs."""

    slots: SlotStore
    measurements: tuple[Measurement, ...]
    entropy: Entropy

    def identity(self, slot: int, suite: Suite) -> DeviceIdentity:
        """What `slot` holds for the negotiated algorithm."""
        found = self.slots.find(slot, suite.base_asym)
        if found is None:
            raise RefusedError(ErrorCode.INVALID_REQUEST)
        return found

    def summary(self, kind: int, suite: Suite) -> bytes:
        """The summary hash that a request asks for, empty for none."""
        if kind not in SummaryType.__members__.values():
            raise RefusedError(ErrorCode.INVALID_REQUEST)
        if kind == SummaryType.NONE:
            return b""
        if not self.measurements:
            raise RefusedError(ErrorCode.INVALID_REQUEST)
        return summary_hash(self.measurements, kind, suite.base_hash)

    def digests(self, suite: Suite) -> bytes:
        """DIGESTS."""
        mask = self.slots.mask(suite.base_asym)
        return Digests(
            version=suite.version,
            slot_mask=mask,
            digests=tuple(
                self.identity(slot, suite).digest_under(suite.base_hash)
                for slot in self.slots.filled(suite.base_asym)
            ),
            supported_mask=mask if suite.version >= VERSION_1_3 else 0,
        ).encode()

    def certificate(self, request: GetCertificate, suite: Suite, room: int) -> bytes:
        """CERTIFICATE with as much as is wanted, is there and fits `room` bytes."""
        chain = self.identity(request.slot, suite).chain_under(suite.base_hash)
        portion, remainder = b"", len(chain)
        if not request.size_wanted:
            if request.offset >= len(chain):
                raise RefusedError(ErrorCode.INVALID_REQUEST)
            size = min(request.length, room - Certificate.FIXED_SIZE)
            portion = chain[request.offset : request.offset + size]
            remainder = len(chain) - request.offset - len(portion)
        return Certificate(
            version=suite.version, slot=request.slot, portion=portion, remainder=remainder
        ).encode()

    def challenge(self, request: Challenge, exact: bytes, log: Transcript, suite: Suite) -> bytes:
        """CHALLENGE_AUTH, signed over `log`, which holds M1 before CHALLENGE."""
        identity = self.identity(request.slot, suite)
        answer = ChallengeAuth(
            version=suite.version,
            slot=request.slot,
            slot_mask=self.slots.mask(suite.base_asym),
            chain_hash=identity.digest_under(suite.base_hash),
            nonce=self.entropy.randbytes(NONCE_SIZE),
            summary=self.summary(request.summary_type, suite),
            context=request.context,
        )
        signed = log.fork().append(exact, answer.signed_part())
        signature = identity.sign(SigningContext.CHALLENGE_AUTH, signed.digest(), suite)
        return replace(answer, signature=signature).encode()

    def measure(
        self, request: GetMeasurements, exact: bytes, log: Transcript, suite: Suite
    ) -> tuple[bytes, Transcript]:
        """MEASUREMENTS, signed over `log` if that is wanted, and the log after it."""
        identity = self.identity(request.slot, suite) if request.signed else None
        blocks = self._selected(request.operation)
        counting = request.operation == MeasurementOperation.COUNT
        answer = Measurements(
            version=suite.version,
            total=len(self.measurements) if counting else 0,
            slot=request.slot,
            blocks=len(blocks),
            record=b"".join(block.encode() for block in blocks),
            nonce=self.entropy.randbytes(NONCE_SIZE),
            context=request.context,
        )
        after = log.fork().append(exact, answer.signed_part())
        if identity is not None:
            signature = identity.sign(SigningContext.MEASUREMENTS, after.digest(), suite)
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
