# SPDX-License-Identifier: Apache-2.0
"""Configuration space of the reference device: what was written, and what follows from it.

`ConfigSpace` holds values only; `ReferenceDevice` gives their consequences to the DSM and to the
streams.
"""

from __future__ import annotations

from dataclasses import dataclass

from models.app.config_map import ConfigRegister as Reg
from models.app.map import ROM_BYTES
from models.app.msi import Msi
from models.device.config import DeviceProfile
from models.device.registers import (
    BAR_64_BIT_PREFETCHABLE,
    FIRST_BLOCK,
    ONES,
    PASID_ENABLE,
    PRI_ENABLE,
    ROM_ENABLE,
    TEE_LIMITED,
    TPH_ENABLE,
    TPH_ST_MODE,
    Bits,
    pf_registers,
    place,
    vf_registers,
)
from models.ide.codes import CapabilityBit, ControlBit, StatusBit, StreamState
from models.ide.select import SelectiveStreamBlock
from models.pcie.codes import (
    INITIATE_FLR,
    CommandBit,
    IdeRegister,
    SelectiveBlock,
    SriovControlBit,
)
from models.pcie.layout import DW
from models.pcie.rules import Limits
from models.tdisp.lock_config import Aperture, LockConfig, configuration_fault
from models.tdisp.profile import FunctionConfig
from models.tdisp.tracking import RegisterWrite, byte_mask

FUNCTIONS = 8  # of a device without ARI
SMALLEST_PAYLOAD = 128
PAYLOAD_FIELD = 5  # bit numbers in Device Control
READ_FIELD = 12
PHANTOM_FUNCTIONS = 1 << 9
POWER_STATE = 0x3
POWER_STATES = (0, 3)  # D0 and D3hot; others are not there
MSIX_ENABLE = 1 << 31
MSIX_FUNCTION_MASK = 1 << 30
ATS_ENABLE = 1 << 31
RELAXED_ORDERING, NO_SNOOP = 1 << 4, 1 << 11  # of Device Control
ATOMICS, ID_ORDERING, ID_ORDERING_CPL = 1 << 6, 1 << 8, 1 << 9  # of Device Control 2


@dataclass(frozen=True, slots=True)
class FunctionView:
    """Configuration of one function as the link sees it; the number is that of its TDI."""

    number: int
    rid: int
    present: bool = True
    memory_space: bool = False
    bus_master: bool = False
    bar0: int = 0
    bar2: int = 0
    msix_enable: bool = False
    msix_function_mask: bool = False
    msi: Msi | None = None  # None: the function has no such capability
    ats_enable: bool = False
    attributes: int = 0  # that its requests may have, as in a TLP header
    atomics: bool = False  # whether it may send AtomicOps
    hints: bool = False  # whether its requests may have Processing Hints
    ordered_completions: bool = False  # whether its completions may have ID-Based Ordering
    pasid: int | None = None  # of an SDI: that of all its requests but interrupts
    sdi_pasids: range = range(0)  # of a function: those of its SDIs, which it never uses itself
    pasid_enable: bool = False  # of the PF, for all functions, as the two below
    pri_enable: bool = False
    pri_allocation: int = 0  # Page Requests that may be out
    rom: int | None = None  # address of the Expansion ROM while it is enabled


class ConfigSpace:
    """Registers of all functions; function n is TDI n.

    SDIs have none of their own: what is asked of TDI n is answered by their function.
    """

    def __init__(self, profile: DeviceProfile) -> None:
        self.profile = profile
        vf = vf_registers(profile)
        self._bits = [pf_registers(profile)] + [vf] * (profile.functions - 1)
        self.pf_rid = profile.pf_function  # with the captured bus and device number
        self._values = [self._reset_values(n) for n in range(profile.functions)]
        self._views: tuple[FunctionView, ...] = ()  # empty: to be looked up again

    def _reset_values(self, function: int) -> dict[int, int]:
        return {address: bits.reset for address, bits in self._bits[function].items()}

    # ------------------------------------------------------------------ access

    def find(self, rid: int) -> int | None:
        """The function that a configuration request to `rid` reaches, whatever its bus number."""
        number = self._distance(rid)
        first, stride = self.profile.first_vf_offset, self.profile.vf_stride
        if number == 0:
            return 0
        if number < first or (number - first) % stride:
            return None
        function = (number - first) // stride + 1
        return function if function < self.profile.functions and self.present(function) else None

    def _distance(self, rid: int) -> int:
        """Of a function from the PF: VFs follow it, also into the next device number.

        Only as many bits as it takes to tell the functions apart count.
        """
        vfs_behind_first = max(0, self.profile.functions - 2)
        last = self.profile.first_vf_offset + vfs_behind_first * self.profile.vf_stride
        functions = max(FUNCTIONS, 1 << last.bit_length())
        return (rid - self.profile.pf_function) % functions

    def capture(self, rid: int) -> bool:
        """Take bus and device number from a configuration write; whether they have changed."""
        base = rid - self._distance(rid)
        changed, self.pf_rid = base != self.pf_rid, base
        if changed:
            self._views = ()
        return changed

    def read(self, function: int, address: int) -> int:
        """Value of a register that holds something; 0 for all others."""
        return self._values[function].get(address & ~(DW - 1), 0)

    def _writable(self, function: int, address: int) -> int:
        bits = self._bits[function].get(address, Bits(0, 0)).writable
        in_blocks = function == 0 and address >= FIRST_BLOCK
        register = (address - FIRST_BLOCK) % SelectiveBlock.SIZE if in_blocks else None
        enabled = self.read(function, address) >> ControlBit.ENABLE & 1
        if register == SelectiveBlock.CONTROL and enabled:  # sampled with Enable (IDE-CAP-003)
            return bits & ~TEE_LIMITED
        fixed = (Reg.SRIOV_NUM_VFS, Reg.SRIOV_SYSTEM_PAGE_SIZE)
        if function == 0 and address in fixed and self._vf_control(SriovControlBit.VF_ENABLE):
            return 0
        return bits

    def preview(self, function: int, address: int, data: int, enables: int) -> RegisterWrite:
        """What a write would change (TDISP-TRK-014); nothing is written."""
        old = self.read(function, address)
        mask = self._writable(function, address) & byte_mask(enables)
        if address == Reg.PM_CONTROL and data & POWER_STATE not in POWER_STATES:
            mask = 0
        space, capability, offset = place(address)
        return RegisterWrite(space, capability, offset, enables, old, old & ~mask | data & mask)

    def write(self, function: int, address: int, data: int, enables: int) -> None:
        """Carry out a write."""
        if address in self._values[function]:
            write = self.preview(function, address, data, enables)
            self._values[function][address] = write.new
            if write.new != write.old:
                self._changed(function)
        vfs_gone = function == 0 and address == Reg.SRIOV_CONTROL
        for vf in range(1, self.profile.functions if vfs_gone else 1):
            if not self.present(vf):
                self._values[vf] = self._reset_values(vf)

    def _changed(self, function: int) -> None:
        """A register has changed: so has the view of its function, with the PF those of all."""
        if function == 0:
            self._views = ()
        elif self._views:
            after = self._views[function + 1 :]
            self._views = (*self._views[:function], self.view(function), *after)

    @staticmethod
    def initiates_flr(address: int, data: int, enables: int) -> bool:
        """Whether a write sets Initiate FLR, which reads 0."""
        return address == Reg.DEVICE_CONTROL and bool(data & byte_mask(enables) & INITIATE_FLR)

    def flr(self, function: int) -> None:
        """Registers of a function, and with the PF of its VFs, are as after reset."""
        hit = range(self.profile.functions) if function == 0 else (function,)
        for number in hit:
            self._values[number] = self._reset_values(number)
        self._changed(function)

    def reset(self) -> None:
        """Conventional reset."""
        self.pf_rid = self.profile.pf_function
        self.flr(0)

    # ------------------------------------------------------------------ functions

    def _vf_control(self, bit: SriovControlBit) -> bool:
        return bool(self.read(0, Reg.SRIOV_CONTROL) >> bit & 1)

    def present(self, function: int) -> bool:
        """Whether a function exists: the PF, and VFs up to NumVFs while VF Enable is 1."""
        num_vfs = self.read(0, Reg.SRIOV_NUM_VFS)
        return self._host(function) == 0 or (
            self._vf_control(SriovControlBit.VF_ENABLE) and function <= num_vfs
        )

    def _host(self, tdi: int) -> int:
        """The function whose registers hold for a TDI."""
        return 0 if self.profile.sdis else tdi

    def rid(self, function: int) -> int:
        """Requester ID of a function."""
        if self._host(function) == 0:
            return self.pf_rid
        return self.pf_rid + self.profile.first_vf_offset + (function - 1) * self.profile.vf_stride

    def _bar(self, register: int) -> int:
        low = self.read(0, register) & ~BAR_64_BIT_PREFETCHABLE & ONES
        return low | self.read(0, register + DW) << 32

    def bars(self, function: int) -> dict[int, int]:
        """Bus address of each BAR of a function, or of the slice of an SDI."""
        virtual = self._host(function) != 0
        first = Reg.SRIOV_VF_BAR0 if virtual else Reg.BAR0
        index = function - 1 if virtual else function
        return {
            bar: (self._bar(first + DW * bar) + index * size) % (1 << 64)
            for bar, size in self.profile.bar_sizes.items()
        }

    def _subordinates(self) -> list[int]:
        """The VFs that belong to the TDI of the PF."""
        vfs = range(1, self.profile.num_tdi if self.profile.whole_device else 1)
        return [vf for vf in vfs if self.present(vf)]

    def function(self, number: int) -> FunctionConfig:
        """What LOCK and the report look at."""
        others, host, pasid = (
            self._subordinates(),
            self._host(number),
            self.profile.pasid_of(number),
        )
        ats = [self.read(each, Reg.ATS_CONTROL) & ATS_ENABLE for each in (host, *others)]
        return FunctionConfig(
            rid=self.rid(number),
            present=self.present(number),
            pasid=pasid,
            bars=self.bars(number),
            subordinates=[self.bars(vf) for vf in others],
            msix_control=self.read(host, Reg.MSIX) >> 16,
            tph_control=self.read(host, Reg.TPH_CONTROL),
            # Only a function translates addresses and asks for pages; VFs share PRI of the PF.
            ats_enable=any(ats) and pasid is None,
            prs_enable=bool(self.read(0, Reg.PRI_CONTROL) & PRI_ENABLE) and pasid is None,
            pasid_enable=bool(self.read(0, Reg.PASID_CONTROL) & PASID_ENABLE),
        )

    def view(self, number: int) -> FunctionView:
        """What the link sees; in D3hot no function is reached and none sends."""
        awake = not self.read(0, Reg.PM_CONTROL) & POWER_STATE
        host, pasid = self._host(number), self.profile.pasid_of(number)
        command, msix = self.read(host, Reg.COMMAND), self.read(host, Reg.MSIX)
        bars, ats = self.bars(number), self.read(host, Reg.ATS_CONTROL) & ATS_ENABLE
        control, control_2 = self.read(0, Reg.DEVICE_CONTROL), self.read(0, Reg.DEVICE_CONTROL_2)
        memory = bool(command >> CommandBit.MEMORY_SPACE_ENABLE & 1)
        if host:
            memory = self._vf_control(SriovControlBit.VF_MEMORY_SPACE_ENABLE)
        return FunctionView(
            number=number,
            rid=self.rid(number),
            present=self.present(number),
            memory_space=memory and awake,
            bus_master=bool(command >> CommandBit.BUS_MASTER_ENABLE & 1) and awake,
            bar0=bars.get(0, 0),
            bar2=bars.get(2, 0),
            msix_enable=bool(msix & MSIX_ENABLE),
            msix_function_mask=bool(msix & MSIX_FUNCTION_MASK),
            msi=None if pasid is not None else self.msi(number),
            ats_enable=bool(ats) and pasid is None,
            attributes=bool(control & NO_SNOOP)
            | bool(control & RELAXED_ORDERING) << 1
            | bool(control_2 & ID_ORDERING) << 2,
            atomics=bool(control_2 & ATOMICS),
            hints=self._hints(host),
            ordered_completions=bool(control_2 & ID_ORDERING_CPL),
            pasid=pasid,
            sdi_pasids=self.profile.sdi_pasids if pasid is None else range(0),
            pasid_enable=bool(self.read(0, Reg.PASID_CONTROL) & PASID_ENABLE),
            pri_enable=bool(self.read(0, Reg.PRI_CONTROL) & PRI_ENABLE) and pasid is None,
            pri_allocation=self.read(0, Reg.PRI_ALLOCATION) if pasid is None else 0,
            rom=self.rom() if number == 0 else None,
        )

    def views(self) -> tuple[FunctionView, ...]:
        """All functions; the same object as before while nothing of it has changed."""
        if not self._views:
            self._views = tuple(self.view(n) for n in range(self.profile.num_tdi))
        return self._views

    def limits(self) -> Limits:
        """Sizes that Device Control allows."""
        control = self.read(0, Reg.DEVICE_CONTROL)
        payload = SMALLEST_PAYLOAD << (control >> PAYLOAD_FIELD & 7)
        return Limits(
            max_payload=min(payload, self.profile.max_payload),
            max_read=SMALLEST_PAYLOAD << min(control >> READ_FIELD & 7, 5),
            max_received=self.profile.max_payload,
        )

    def rom(self) -> int | None:
        """Bus address of the Expansion ROM of the PF; None while it is disabled."""
        register = self.read(0, Reg.ROM)
        return register & ~ROM_ENABLE if register & ROM_ENABLE else None

    def msi(self, number: int) -> Msi | None:
        """Registers of the MSI capability of a function; None where there is none."""
        if not self.profile.msi:
            return None
        return Msi(
            self.read(number, Reg.MSI),
            self.read(number, Reg.MSI_ADDRESS_LOW) | self.read(number, Reg.MSI_ADDRESS_HIGH) << 32,
            self.read(number, Reg.MSI_DATA),
            self.read(number, Reg.MSI_MASK),
        )

    def _hints(self, function: int) -> bool:
        enabled = self.read(function, Reg.TPH_CONTROL) & TPH_ENABLE
        return bool(enabled) and not self._unsupported_st_mode(function)

    def _unsupported_st_mode(self, number: int) -> bool:
        control = self.read(number, Reg.TPH_CONTROL)
        return bool(control & TPH_ENABLE and control & TPH_ST_MODE)

    def fault(self, number: int) -> str | None:
        """What LOCK of a function must refuse (TDISP-LOCK-008 to 015)."""
        rom, looked_at = self.rom(), {0, self._host(number), *self._subordinates()}
        sizes, enabled = self.profile.bar_sizes, self._vf_control(SriovControlBit.VF_ENABLE)
        count = min(self.read(0, Reg.SRIOV_NUM_VFS), self.profile.functions - 1)
        pf, vf, slices = self.bars(0), self.bars(1), self.profile.bar_slices
        vf_bars = [Aperture(f"VF BAR{bar}", vf[bar], sizes[bar] * count) for bar in vf]
        has_vfs = self.profile.functions > 1
        return configuration_fault(
            LockConfig(
                bars=[Aperture(f"BAR{bar}", pf[bar], sizes[bar] * slices) for bar in pf],
                vf_bars=vf_bars if enabled else (),
                rom=None if rom is None else Aperture("Expansion ROM", rom, ROM_BYTES),
                unsupported_st_mode=any(map(self._unsupported_st_mode, looked_at)),
                phantom_functions=bool(self.read(0, Reg.DEVICE_CONTROL) & PHANTOM_FUNCTIONS),
                system_page_size=self.read(0, Reg.SRIOV_SYSTEM_PAGE_SIZE) if has_vfs else 1,
                supported_page_sizes=self.profile.supported_page_sizes,
            )
        )

    # ------------------------------------------------------------------ IDE capability

    def stream_offsets(self) -> tuple[int, ...]:
        """Offset of each selective stream register block in the IDE capability."""
        first, size = IdeRegister.FIRST_BLOCK, SelectiveBlock.SIZE
        return tuple(first + n * size for n in range(self.profile.num_streams))

    def _block_registers(self, index: int) -> bytes:
        base = FIRST_BLOCK + index * SelectiveBlock.SIZE
        return b"".join(
            self.read(0, base + offset).to_bytes(DW, "little")
            for offset in range(0, SelectiveBlock.SIZE, DW)
        )

    def block(self, index: int) -> SelectiveStreamBlock:
        """Values of a selective stream register block."""
        return SelectiveStreamBlock.decode(self._block_registers(index))

    def ide_registers(self, secure: list[bool], failed: list[bool]) -> bytes:
        """Registers from IDE Capability on, as QUERY_RESP carries them (IDEKM-QRY-001)."""
        capability = (
            1 << CapabilityBit.SELECTIVE
            | 1 << CapabilityBit.IDE_KM
            | (self.profile.num_streams - 1) << CapabilityBit.NUM_SELECTIVE
            | 1 << CapabilityBit.TEE_LIMITED
        )
        registers = capability.to_bytes(DW, "little") + bytes(DW)
        status = SelectiveBlock.STATUS
        for index in range(self.profile.num_streams):
            raw = bytearray(self._block_registers(index))
            state = StreamState.SECURE if secure[index] and self.block(index).enabled else 0
            value = state << StatusBit.STATE | failed[index] << StatusBit.RECEIVED_FAIL
            raw[status : status + DW] = value.to_bytes(DW, "little")
            registers += bytes(raw)
        return registers
