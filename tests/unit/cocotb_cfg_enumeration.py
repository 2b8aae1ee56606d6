# SPDX-License-Identifier: Apache-2.0
"""An ordinary root complex finds the device, sizes its BARs and walks its capabilities."""

from __future__ import annotations

from typing import Any

import cocotb
from cocotbext.pcie.core import RootComplex

from models.app.config_map import ConfigRegister as Reg
from models.pcie.codes import CapabilityId, ExtendedCapabilityId
from tb.host.link_port import LinkPort, LinkRootPort
from tests.unit.cfg_bench import CfgHost, new_host
from tests.unit.tlp_bench import Tlp


def to_bus(raw: bytes) -> Tlp:
    """Internal form of a TLP of three header DWs."""
    hdr = int.from_bytes(raw[:12], "big") << 32
    data = tuple(int.from_bytes(raw[n : n + 4], "little") for n in range(12, len(raw), 4))
    return Tlp(hdr, data, {"ide": 0, "t": 0, "stream": 0})


def to_wire(tlp: Tlp) -> bytes:
    """Bytes of a completion."""
    data = b"".join(dword.to_bytes(4, "little") for dword in tlp.data)
    return (tlp.hdr >> 32).to_bytes(12, "big") + data


async def connect(host: CfgHost) -> RootComplex:
    """A root complex whose only root port leads to the device."""
    rc = RootComplex()

    async def transmit(raw: bytes) -> None:
        await host.source.send(to_bus(raw))

    port = LinkPort(transmit)
    rc.make_port(bridge=LinkRootPort(port))

    async def receive() -> None:
        while True:
            await port.receive(to_wire(await host.sink.next(1 << 30)))

    cocotb.start_soon(receive())
    return rc


@cocotb.test()
async def a_root_complex_enumerates_the_device(dut: Any) -> None:
    host = await new_host(dut)
    rc = await connect(host)
    await rc.enumerate()
    found = list(rc.host_bridge.bus.children[0].devices)
    assert len(found) == 1
    device = found[0]
    assert (device.vendor_id, device.device_id) == (0x1234, 0x7D15)
    assert int(dut.pf_rid.value) == int(device.pcie_id)
    assert [size or 0 for size in device.bar_size] == [0x4000, 0, 0x20000, 0, 0, 0]
    assert device.bar_addr[0] == int(dut.pf_bar0.value) != 0
    assert device.bar_addr[2] == int(dut.pf_bar2.value) != 0
    assert int(dut.lock_config_ok.value) == 1
    assert dict(device.capabilities) == {
        CapabilityId.PM: Reg.PM,
        CapabilityId.MSIX: Reg.MSIX,
        CapabilityId.PCIE: Reg.PCIE,
    }
    assert dict(device.ext_capabilities) == {
        ExtendedCapabilityId.ATS: Reg.ATS,
        ExtendedCapabilityId.AER: Reg.AER,
        ExtendedCapabilityId.SRIOV: Reg.SRIOV,
        ExtendedCapabilityId.DOE: Reg.DOE,
        ExtendedCapabilityId.VSEC: Reg.VSEC,
        ExtendedCapabilityId.ARI: Reg.ARI,
        ExtendedCapabilityId.ACS: Reg.ACS,
        ExtendedCapabilityId.IDE: Reg.IDE,
    }
    await device.enable_device()
    await device.set_master()
    assert int(dut.tdi_mse.value) == int(dut.tdi_bme.value) == 1
    assert await device.msix_vec_count() == 4
    assert device.pcie_mpss == 2
    assert await device.config_read_dword(Reg.DEVICE_CONTROL) & 1 << 8, "extended tags"
