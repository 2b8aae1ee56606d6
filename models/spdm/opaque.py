# SPDX-License-Identifier: Apache-2.0
"""Opaque data of KEY_EXCHANGE, format 1: the secured message version (SPDM-KEX-001)."""

from __future__ import annotations

from collections.abc import Sequence

from models.spdm.codes import OpaqueDataId
from models.spdm.errors import DecodeError
from models.spdm.wire import Reader, counted, little

DMTF = 0
DATA_VERSION = 1
DWORD = 4


def _element(body: bytes) -> bytes:
    head = bytes((1, 0, 0, 0))  # one element, three reserved bytes
    data = bytes((DATA_VERSION,)) + body
    element = bytes((DMTF, 0)) + counted("opaque element", data)
    return head + element + bytes(-len(element) % DWORD)


def encode_supported(versions: Sequence[int]) -> bytes:
    """What a requester puts into KEY_EXCHANGE."""
    entries = b"".join(little("secured message version", version, 2) for version in versions)
    count = little("version count", len(versions), 1)
    return _element(bytes((OpaqueDataId.SUPPORTED_VERSIONS,)) + count + entries)


def encode_selected(version: int) -> bytes:
    """What the responder puts into KEY_EXCHANGE_RSP."""
    selected = little("secured message version", version, 2)
    return _element(bytes((OpaqueDataId.VERSION_SELECTION,)) + selected)


def _find(raw: bytes, wanted: OpaqueDataId) -> Reader:
    """The data of the first DMTF element with the id `wanted`; DecodeError without one."""
    reader = Reader(raw)
    count, _ = reader.number(1), reader.take(3)
    found: Reader | None = None
    for _ in range(count):
        start = reader.position
        owner = reader.number(1)
        vendor = reader.counted(1)
        data = reader.counted()
        reader.take((start - reader.position) % DWORD)
        ours = owner == DMTF and not vendor and data[:2] == bytes((DATA_VERSION, wanted))
        if ours and found is None:
            found = Reader(data[2:])
    reader.finish()
    if found is None:
        raise DecodeError(f"opaque data holds no {wanted.name}")
    return found


def decode_supported(raw: bytes) -> tuple[int, ...]:
    """The secured message versions that a requester offers."""
    reader = _find(raw, OpaqueDataId.SUPPORTED_VERSIONS)
    versions = tuple(reader.number(2) for _ in range(reader.number(1)))
    reader.finish()
    return versions


def decode_selected(raw: bytes) -> int:
    """The secured message version that the responder selected."""
    reader = _find(raw, OpaqueDataId.VERSION_SELECTION)
    version = reader.number(2)
    reader.finish()
    return version
