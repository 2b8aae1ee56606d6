# SPDX-License-Identifier: Apache-2.0
"""TLPs as they pass on the link, before and after IDE, each with a decode of one line."""

from __future__ import annotations

from dataclasses import dataclass, field

from models.ide.codes import SubStream
from models.ide.messages import IdeFail, IdeSync, parse
from models.ide.prefix import IdePrefix, peek
from models.pcie.codes import CplStatus, FmtType
from models.pcie.errors import TlpError
from models.pcie.layout import COMPLETIONS, CONFIG_REQUESTS, DW, MESSAGES, Framing
from models.pcie.tlp import Tlp

NAMES = {
    FmtType.MRD32: "MRd",
    FmtType.MRD64: "MRd",
    FmtType.MWR32: "MWr",
    FmtType.MWR64: "MWr",
    FmtType.CFGRD0: "CfgRd0",
    FmtType.CFGWR0: "CfgWr0",
    FmtType.CFGRD1: "CfgRd1",
    FmtType.CFGWR1: "CfgWr1",
    FmtType.CPL: "Cpl",
    FmtType.CPLD: "CplD",
}


@dataclass(frozen=True, slots=True)
class TlpRecord:
    """One TLP on the link. `plain` is None where nobody could decrypt the wire bytes."""

    time_ns: float
    to_device: bool
    wire: bytes
    plain: bytes | None
    note: str = ""

    @property
    def prefix(self) -> IdePrefix | None:
        """The IDE prefix; None for a TLP in clear."""
        return peek(self.wire)

    @property
    def t(self) -> bool:
        """The T bit; 0 for a TLP in clear (IDE-SEL-007)."""
        prefix = self.prefix
        return prefix is not None and prefix.t

    def summary(self) -> str:
        """One line: direction, IDE prefix, TLP, note."""
        arrow = "host -> device" if self.to_device else "device -> host"
        body = describe_wire(self.wire) if self.plain is None else describe(self.plain)
        parts = [arrow, describe_prefix(self.prefix), body, self.note]
        return " ".join(part for part in parts if part)


@dataclass
class TlpCapture:
    """The TLPs of a run, in order."""

    records: list[TlpRecord] = field(default_factory=list)

    def add(self, record: TlpRecord) -> None:
        """Append `record`."""
        self.records.append(record)

    def lines(self) -> list[str]:
        """One line a TLP, with its time in nanoseconds."""
        return [f"{record.time_ns:12.1f} {record.summary()}" for record in self.records]


def describe_prefix(prefix: IdePrefix | None) -> str:
    """The IDE prefix in words; an empty text for a TLP in clear."""
    if prefix is None:
        return ""
    known = prefix.sub_stream in SubStream.__members__.values()
    sub_stream = SubStream(prefix.sub_stream).name if known else f"sub-stream {prefix.sub_stream}"
    text = f"IDE stream {prefix.stream_id} {sub_stream} K{prefix.k} T{int(prefix.t)}"
    return f"{text} posted {prefix.pr_sent_counter}" if prefix.pr_sent_counter else text


def describe_wire(wire: bytes) -> str:
    """A TLP whose data could not be decrypted, from its header alone."""
    try:
        framing = Framing.of(wire)
    except TlpError as error:
        return f"malformed: {error.rule.value}"
    kind = NAMES.get(framing.fmt_type, framing.fmt_type.name)
    return f"{kind} {framing.data_size // DW} DW, not decrypted"


def describe(raw: bytes) -> str:
    """A plain TLP in one line."""
    try:
        tlp = Tlp.unpack(raw)
    except TlpError as error:
        return f"malformed: {error.rule.value}"
    text = f"{NAMES.get(tlp.fmt_type, tlp.fmt_type.name)} {_fields(tlp)}"
    return f"{text} poisoned" if tlp.ep else text


def _fields(tlp: Tlp) -> str:
    who = bdf(tlp.requester_id)
    if tlp.fmt_type in COMPLETIONS:
        known = tlp.status in CplStatus.__members__.values()
        status = CplStatus(tlp.status).name if known else str(tlp.status)
        data = f" {tlp.length} DW {_bytes(tlp.payload)}" if tlp.has_data else ""
        return f"{status} from {bdf(tlp.completer_id)} for {who} tag {tlp.tag}{data}"
    if tlp.fmt_type in CONFIG_REQUESTS:
        data = f" {_bytes(tlp.payload)}" if tlp.has_data else ""
        return f"{bdf(tlp.completer_id)} register {tlp.register:03x} tag {tlp.tag}{data}"
    if tlp.fmt_type in MESSAGES:
        return f"{_message(tlp)} from {who}"
    data = f" {_bytes(tlp.payload)}" if tlp.has_data else f" tag {tlp.tag}"
    return f"{tlp.address:#x} {tlp.length} DW from {who}{data}"


def _message(tlp: Tlp) -> str:
    message = parse(tlp)
    if isinstance(message, IdeSync):
        return f"IDE Sync {message.npr_counter} {message.cpl_counter}"
    if isinstance(message, IdeFail):
        return f"IDE Fail stream {message.stream_id}"
    return f"code {tlp.message_code:02x}"


def bdf(value: int) -> str:
    """A 16-bit ID as bus:device.function."""
    return f"{value >> 8:02x}:{value >> 3 & 0x1F:02x}.{value & 7}"


def _bytes(data: bytes, limit: int = 16) -> str:
    return data.hex() if len(data) <= limit else f"{data[:limit].hex()}..."
