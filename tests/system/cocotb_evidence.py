# SPDX-License-Identifier: Apache-2.0
"""What a run leaves behind can be read by tools that its authors did not write."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pyuvm

from models.app.map import Bar0
from models.describe import describe
from models.doe.codes import ObjectType
from models.doe.pcap import decode_pcap
from models.ide.key_log import LinkDecoder
from models.pcie.tlp_pcap import Layer, TlpPacket, decode_tlps
from models.spdm.key_file import line, parse_secrets
from models.spdm.observer import SpdmObserver
from tb.base_test import BaseTest
from tb.host.route import Route
from tb.report.captures import DOE_FILE, LINK_FILE
from tb.report.config_dump import save_config_dump
from tb.scenario import DEFAULT_STREAM, Scenario

CARRIED = (ObjectType.SPDM, ObjectType.SECURED_SPDM)
SECRET = bytes(range(64, 128))
NAMED_BY_LSPCI = (
    "Express (v2) Endpoint",
    "FLReset+",
    "MSI: Enable- Count=1/4 Maskable+ 64bit+",
    "MSI-X: Enable",
    "Address Translation Service (ATS)",
    "Advanced Error Reporting",
)
SHOWN_VFS = 3  # a dump reads all 4 KiB of each
NAMED_WITH_VFS = ("Single Root I/O Virtualization (SR-IOV)",)
# Releases of pciutils differ in which of these they have a name for.
NAMED_OR_NUMBERED = (
    ("Data Object Exchange", "Extended Capability ID 0x2e"),
    ("Integrity & Data Encryption", "Extended Capability ID 0x30"),
)


@pyuvm.test()
class LspciReadsEveryFunction(BaseTest):
    """`lspci -F` names each capability of the physical and the virtual functions."""

    async def scenario(self, kit: Scenario) -> None:
        vfs = min(kit.vfs, SHOWN_VFS)
        await kit.bring_up(vfs)
        path = await save_config_dump(kit.vmm, Path())
        run = subprocess.run(
            ["lspci", "-F", str(path), "-vvv"], capture_output=True, text=True, check=True
        )
        Path("lspci.txt").write_text(run.stdout)
        physical, *virtual = run.stdout.strip().split("\n\n")
        for name in NAMED_BY_LSPCI + (NAMED_WITH_VFS if vfs else ()):
            assert name in physical, f"lspci does not name {name}: {run.stdout}"
        for names in NAMED_OR_NUMBERED:
            assert any(name in physical for name in names), f"no {names[0]}: {run.stdout}"
        rids = [kit.function(index).rid for index in range(1, vfs + 1)]
        places = [f"{rid >> 8:02x}:{rid >> 3 & 0x1F:02x}.{rid & 7}" for rid in rids]
        assert [function.split()[0] for function in virtual] == places
        for function in virtual:
            assert "MSI: Enable- Count=1/4" in function
            assert "MSI-X: Enable" in function
            assert "(ATS)" in function


@pyuvm.test()
class CapturesHoldWhatPassed(BaseTest):
    """Decrypted with the keys, the capture of the link shows what the two sides meant."""

    async def scenario(self, kit: Scenario) -> None:
        kit.certificate_known = False  # it has to be in the capture
        session, tdi = await kit.attach(kit.tvm_function)
        route = Route(DEFAULT_STREAM, True)
        memory = tdi.function.bar0 + Bar0.MEMORY
        await kit.host.mem_write(memory, SECRET, route)
        assert (await kit.host.mem_read(memory, len(SECRET), route)).data == SECRET
        await kit.stop(session, kit.tvm_function)
        await kit.key_stream(session, key_set=1)
        await kit.lock(session, kit.tvm_function)
        self.env.captures.save()
        packets = decode_tlps(Path(LINK_FILE).read_bytes())
        self._check_link(packets, LinkDecoder(kit.host.keys))
        assert not any(
            SECRET[:16] in packet.raw for packet in packets if packet.layer is Layer.LINK
        ), "the secret passed in clear"
        objects = decode_pcap(Path(DOE_FILE).read_bytes())
        assert {item.raw[2] for item in objects} == set(CARRIED)
        assert all(len(item.raw) == 4 * int.from_bytes(item.raw[4:8], "little") for item in objects)
        self._check_sessions([item.raw for item in objects])

    def _check_sessions(self, objects: list[bytes]) -> None:
        lines = filter(None, map(line, self.env.captures.secrets))
        observer = SpdmObserver(parse_secrets("\n".join(lines)))
        seen = [observer.see(raw) for raw in objects]
        inside = [one.message for one in seen if one.kind == ObjectType.SECURED_SPDM]
        assert inside.count(None) == 0, "a record that the secrets do not open"
        names = " ".join(describe(message) for message in inside if message is not None)
        for name in ("FINISH", "KEY_PROG", "K_SET_GO", "LOCK_INTERFACE_RESPONSE"):
            assert name in names, names

    def _check_link(self, packets: list[TlpPacket], decoder: LinkDecoder) -> None:
        plain = {p.number: p.raw for p in packets if p.layer is Layer.PLAIN}
        assert sum(SECRET in raw for raw in plain.values()) >= 2, "a write and a completion"
        for packet in packets:
            if packet.layer is Layer.LINK and packet.number in plain:
                found = decoder.decrypt(packet.raw, packet.to_device)
                assert found == plain[packet.number], f"TLP {packet.number}"
