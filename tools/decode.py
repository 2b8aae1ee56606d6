# SPDX-License-Identifier: Apache-2.0
"""Prints a capture: one line a TLP of link.pcap, one line a DOE object of doe.pcap.

Given the side file with the keys, it decrypts IDE TLPs and the records of SPDM sessions.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from models.describe import describe
from models.doe.codes import ObjectType
from models.doe.objects import DoeError
from models.doe.pcap import LINKTYPE_PCI_DOE, decode_pcap
from models.ide.errors import IdeError
from models.ide.key_log import LinkDecoder, parse_key_log
from models.ide.prefix import peek
from models.pcap import Packet, link_type_of
from models.pcie.capture import TlpRecord
from models.pcie.tlp_pcap import Layer, TlpPacket, decode_tlps
from models.spdm.key_file import parse_secrets
from models.spdm.observer import SpdmObserver

NO_KEY = "no key fits"


def doe_lines(packets: Sequence[Packet], secrets: Sequence[bytes]) -> Iterator[str]:
    """One line for each DOE object; what is inside of a record where its keys are known."""
    observer = SpdmObserver(secrets)
    for number, packet in enumerate(packets):
        yield f"{number:6} {packet.time_ns:12} ns  {_object_text(observer, packet.raw)}"


def _object_text(observer: SpdmObserver, raw: bytes) -> str:
    try:
        seen = observer.see(raw)
    except DoeError as error:
        return f"malformed: {error}"
    if seen.kind not in (ObjectType.SPDM, ObjectType.SECURED_SPDM):
        kind = "Discovery" if seen.kind == ObjectType.DISCOVERY else f"type {seen.kind}"
        return f"DOE {kind}"
    where = "" if seen.session_id is None else f"[session {seen.session_id:08x}] "
    what = f"record of {len(raw)} bytes" if seen.message is None else describe(seen.message)
    return f"SPDM {where}{what}" + (f"  ({seen.note})" if seen.note else "")


def lines(packets: Sequence[TlpPacket], decoder: LinkDecoder | None) -> Iterator[str]:
    """One line for each TLP on the link."""
    for packet in packets:
        if packet.layer is Layer.LINK:
            record = _record(packet, decoder)
            yield f"{packet.number:6} {packet.time_ns:12} ns  {record.summary()}"


def _record(packet: TlpPacket, decoder: LinkDecoder | None) -> TlpRecord:
    plain: bytes | None = packet.raw
    note = ""
    if peek(packet.raw) is not None:
        plain = None
        if decoder is not None:
            try:
                plain = decoder.decrypt(packet.raw, packet.to_device)
            except IdeError as error:
                note = f"malformed: {error}"
            else:
                note = NO_KEY if plain is None else ""
    return TlpRecord(packet.time_ns, packet.to_device, packet.raw, plain, note)


def main(arguments: Sequence[str] | None = None) -> int:
    """0, or 1 after one line that says why the capture cannot be read."""
    parser = argparse.ArgumentParser(prog="decode", description=__doc__)
    parser.add_argument("capture", type=Path, help="link.pcap or doe.pcap of a run")
    parser.add_argument("--keys", type=Path, help="side file with the keys of the run")
    options = parser.parse_args(arguments)
    try:
        raw = options.capture.read_bytes()
        keys = None if options.keys is None else options.keys.read_text()
        output = _decoded(raw, keys)
    except (OSError, ValueError) as error:
        print(f"decode: {error}", file=sys.stderr)
        return 1
    try:
        for line in output:
            print(line)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _decoded(raw: bytes, keys: str | None) -> Iterator[str]:
    if link_type_of(raw) == LINKTYPE_PCI_DOE:
        return doe_lines(decode_pcap(raw), parse_secrets(keys or ""))
    packets = decode_tlps(raw)
    return lines(packets, None if keys is None else LinkDecoder(parse_key_log(keys)))


if __name__ == "__main__":
    sys.exit(main())
