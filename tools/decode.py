# SPDX-License-Identifier: Apache-2.0
"""Prints a capture of the link, one line a TLP; decrypts IDE TLPs when it is given the keys."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from models.ide.errors import IdeError
from models.ide.key_log import LinkDecoder, parse_key_log
from models.ide.prefix import peek
from models.pcie.capture import TlpRecord
from models.pcie.tlp_pcap import Layer, TlpPacket, decode_tlps

NO_KEY = "no key fits"


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
    parser.add_argument("capture", type=Path, help="link.pcap of a run")
    parser.add_argument("--keys", type=Path, help="side file with the IDE keys of the run")
    options = parser.parse_args(arguments)
    try:
        packets = decode_tlps(options.capture.read_bytes())
        keys = None if options.keys is None else parse_key_log(options.keys.read_text())
    except (OSError, ValueError) as error:
        print(f"decode: {error}", file=sys.stderr)
        return 1
    try:
        for line in lines(packets, None if keys is None else LinkDecoder(keys)):
            print(line)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


if __name__ == "__main__":
    sys.exit(main())
