# SPDX-License-Identifier: Apache-2.0
"""Opaque data of KEY_EXCHANGE: the secured message version (SPDM-KEX-001).

From SPDM 1.2 on it has opaque data format 1; SPDM 1.1 has a header of the secured message
specification in its place. The elements are the same.
"""

from __future__ import annotations

from collections.abc import Sequence

from models.spdm.codes import VERSION_1_2, OpaqueDataId
from models.spdm.errors import DecodeError
from models.spdm.wire import Reader, counted, little

DMTF = 0
DATA_VERSION = 1
DWORD = 4
GENERAL_HEAD = b"FTMD\1"  # the id "DMTF" as a number, little-endian, and the version of the table


def _head(count: int, version: int) -> bytes:
    """What stands in front of the elements."""
    if version < VERSION_1_2:
        return GENERAL_HEAD + bytes((count, 0, 0))
    return bytes((count, 0, 0, 0))


def _element(body: bytes, version: int) -> bytes:
    head = _head(1, version)
    data = bytes((DATA_VERSION,)) + body
    element = bytes((DMTF, 0)) + counted("opaque element", data)
    return head + element + bytes(-len(element) % DWORD)


def encode_supported(versions: Sequence[int], version: int = VERSION_1_2) -> bytes:
    """What a requester puts into KEY_EXCHANGE."""
    entries = b"".join(little("secured message version", version, 2) for version in versions)
    count = little("version count", len(versions), 1)
    return _element(bytes((OpaqueDataId.SUPPORTED_VERSIONS,)) + count + entries, version)


def encode_selected(selected: int, version: int = VERSION_1_2) -> bytes:
    """What the responder puts into KEY_EXCHANGE_RSP."""
    entry = little("secured message version", selected, 2)
    return _element(bytes((OpaqueDataId.VERSION_SELECTION,)) + entry, version)


def _count(reader: Reader, version: int) -> int:
    """The number of elements, from the head."""
    if version < VERSION_1_2 and reader.take(len(GENERAL_HEAD)) != GENERAL_HEAD:
        raise DecodeError("opaque data has no head of secured messages")
    count = reader.number(1)
    reader.take(len(_head(count, version)) - reader.position)
    return count


def _find(raw: bytes, wanted: OpaqueDataId, version: int) -> Reader:
    """The data of the first DMTF element with the id `wanted`; DecodeError without one."""
    reader = Reader(raw)
    count = _count(reader, version)
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


def decode_supported(raw: bytes, version: int = VERSION_1_2) -> tuple[int, ...]:
    """The secured message versions that a requester offers."""
    reader = _find(raw, OpaqueDataId.SUPPORTED_VERSIONS, version)
    versions = tuple(reader.number(2) for _ in range(reader.number(1)))
    reader.finish()
    return versions


def decode_selected(raw: bytes, version: int = VERSION_1_2) -> int:
    """The secured message version that the responder selected."""
    reader = _find(raw, OpaqueDataId.VERSION_SELECTION, version)
    selected = reader.number(2)
    reader.finish()
    return selected
