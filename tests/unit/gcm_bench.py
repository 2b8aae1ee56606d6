# SPDX-License-Identifier: Apache-2.0
"""Drivers for the GCM engines, and the jobs and vectors that are run through them."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import RisingEdge
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

VECTORS = Path(__file__).parent / "vectors"
TIMEOUT = 30_000  # cycles without an answer


@dataclass(frozen=True)
class Job:
    """One GCM invocation: what goes in, and what must come out."""

    ctx: int
    iv: bytes
    aad: bytes
    data: bytes
    decrypt: bool
    result: bytes
    tag: bytes

    @classmethod
    def make(cls, ctx: int, key: bytes, iv: bytes, aad: bytes, plain: bytes, decrypt: bool) -> Job:
        """The invocation as `cryptography` does it."""
        sealed = AESGCM(key).encrypt(iv, plain, aad)
        cipher, tag = sealed[:-16], sealed[-16:]
        data, result = (cipher, plain) if decrypt else (plain, cipher)
        return cls(ctx, iv, aad, data, decrypt, result, tag)


@dataclass(frozen=True)
class Vector:
    """A published known answer."""

    key: bytes
    iv: bytes
    aad: bytes
    plain: bytes
    cipher: bytes
    tag: bytes

    def job(self, ctx: int, decrypt: bool) -> Job:
        data, result = (self.cipher, self.plain) if decrypt else (self.plain, self.cipher)
        return Job(ctx, self.iv, self.aad, data, decrypt, result, self.tag)


def stored_vectors(name: str) -> list[Vector]:
    """The vectors of a file in `vectors`."""
    entries = json.loads((VECTORS / name).read_text(encoding="utf-8"))
    return [
        Vector(**{field: bytes.fromhex(entry[field]) for field in Vector.__annotations__})
        for entry in entries
    ]


def nist_vectors(max_aad: int) -> list[Vector]:
    """NIST CAVS, 256-bit key, 96-bit IV, 128-bit tag, AAD up to `max_aad` bytes.

    Encryption vectors, and those decryption vectors whose tag is right.
    """
    folder = resources.files("cryptography_vectors") / "ciphers" / "AES" / "GCM"
    vectors = []
    for name in ("gcmEncryptExtIV256.rsp", "gcmDecrypt256.rsp"):
        text = (folder / name).read_text(encoding="utf-8")
        for block in text.replace("\r", "").split("\n\n"):
            vector = _parse_cavs(block)
            if vector is None or len(vector.aad) > max_aad:
                continue
            if len(vector.iv) == 12 and len(vector.tag) == 16:
                vectors.append(vector)
    return vectors


def _parse_cavs(block: str) -> Vector | None:
    fields = dict(line.split(" =", 1) for line in block.splitlines() if " =" in line)
    if "Key" not in fields or "PT" not in fields:
        return None
    names = ("Key", "IV", "AAD", "PT", "CT", "Tag")
    return Vector(*(bytes.fromhex(fields[name].strip()) for name in names))


def random_length(rng: random.Random, longest: int) -> int:
    """A payload length: corners, whole blocks and anything."""
    return rng.choice(
        (
            0,
            rng.randint(1, 16),
            rng.choice((15, 16, 17, 31, 32, 33, 64, 127, 128)),
            16 * rng.randint(1, 20),
            rng.randint(0, longest),
        )
    )


class Channel:
    """One valid/ready channel of the device under test, driven or listened to."""

    def __init__(self, dut: Any, prefix: str, rng: random.Random, stall: float) -> None:
        self.dut = dut
        self.valid = getattr(dut, f"{prefix}valid")
        self.ready = getattr(dut, f"{prefix}ready")
        self.rng = rng
        self.stall = stall
        self.timeout = TIMEOUT

    def _check_fault(self) -> None:
        assert self.dut.fault.value == 0, "fault"

    async def send(self, values: dict[str, int]) -> None:
        """Offer `values` until they are taken."""
        while self.stall and self.rng.random() < self.stall:
            await RisingEdge(self.dut.clk)
        for name, value in values.items():
            getattr(self.dut, name).value = value
        self.valid.value = 1
        for _ in range(self.timeout):
            await RisingEdge(self.dut.clk)
            if self.ready.value == 1:
                self.valid.value = 0
                return
            self._check_fault()
        raise AssertionError(f"{self.ready._name} stays low")

    async def receive(self, names: Sequence[str]) -> list[int]:
        """Wait for a transfer and return the named signals; checks that they hold while stalled."""
        held: list[int] | None = None
        for _ in range(self.timeout):
            ready = not (self.stall and self.rng.random() < self.stall)
            self.ready.value = int(ready)
            await RisingEdge(self.dut.clk)
            assert self.valid.value.is_resolvable, f"{self.valid._name} is unknown"
            if self.valid.value == 1:
                values = [int(getattr(self.dut, name).value) for name in names]
                assert held is None or values == held, f"{names} changed while stalled"
                held = values
                if ready:
                    self.ready.value = 0
                    return values
            else:
                assert held is None, f"{self.valid._name} fell while stalled"
                self._check_fault()
        raise AssertionError(f"{self.valid._name} stays low")


class Bench:
    """Clock, reset and channels common to both engines; `width` is the payload in bytes."""

    def __init__(self, dut: Any, width: int, stall: float) -> None:
        self.dut = dut
        self.width = width
        self.rng = random.Random(int(os.environ.get("COCOTB_RANDOM_SEED", "1")))
        self.start = Channel(dut, "start_", self.rng, stall)
        self.source = Channel(dut, "s_axis_t", self.rng, stall)
        self.sink = Channel(dut, "m_axis_t", self.rng, stall)
        self.tags = Channel(dut, "tag_", self.rng, stall)
        cocotb.start_soon(Clock(dut.clk, 10, "ns").start())

    async def cycles(self, count: int) -> None:
        for _ in range(count):
            await RisingEdge(self.dut.clk)

    async def reset(self) -> None:
        for name in ("start_valid", "s_axis_tvalid", "m_axis_tready", "tag_ready"):
            getattr(self.dut, name).value = 0
        self.dut.rst.value = 1
        await self.cycles(2)
        self.dut.rst.value = 0

    async def feed(self, jobs: Sequence[Job]) -> None:
        for job in jobs:
            for offset in range(0, len(job.data), self.width):
                await self.source.send(self.beat(job.data, offset))

    def beat(self, data: bytes, offset: int) -> dict[str, int]:
        chunk = data[offset : offset + self.width]
        noise = self.rng.randbytes(self.width - len(chunk))  # beyond the length
        return {
            "s_axis_tdata": int.from_bytes(chunk + noise, "little"),
            "s_axis_tlast": int(offset + self.width >= len(data)),
        }

    async def check_results(self, jobs: Sequence[Job]) -> None:
        for number, job in enumerate(jobs):
            for offset in range(0, len(job.result), self.width):
                chunk = job.result[offset : offset + self.width]
                data, last = await self.sink.receive(("m_axis_tdata", "m_axis_tlast"))
                assert data == int.from_bytes(chunk, "little"), f"job {number}, byte {offset}"
                assert last == (offset + self.width >= len(job.result)), f"job {number}: tlast"

    async def check_tags(self, jobs: Sequence[Job]) -> None:
        for number, job in enumerate(jobs):
            (tag,) = await self.tags.receive(("tag",))
            assert tag.to_bytes(16, "big") == job.tag, f"job {number}: tag"

    async def run(self, jobs: Sequence[Job], request: Callable[[Job], dict[str, int]]) -> None:
        """Send all jobs and compare results and tags; nothing may be left over."""

        async def requests() -> None:
            for job in jobs:
                await self.start.send(request(job))

        parts = (requests(), self.feed(jobs), self.check_results(jobs), self.check_tags(jobs))
        tasks = [cocotb.start_soon(part) for part in parts]
        for task in tasks:
            await task
        await self.cycles(5)
        assert self.dut.m_axis_tvalid.value == 0, "a beat is left over"
        assert self.dut.tag_valid.value == 0, "a tag is left over"
        assert self.dut.fault.value == 0, "fault"
