# SPDX-License-Identifier: Apache-2.0
"""Streams as configuration space shows them, through everything that starts and ends one."""

from __future__ import annotations

import pyuvm
from cocotb.triggers import ClockCycles

from models.app.map import Bar0
from models.ide.codes import ControlBit, StatusBit, StreamState
from models.ide.errors import InsecureCause
from models.ide.keys import ALL_SLOTS
from models.ide.messages import IdeFail, parse
from models.ide.stream import IdeStream
from models.idekm.codes import ObjectId
from models.pcie.codes import AerUncorrectable, CplStatus, SelectiveBlock
from models.pcie.tlp import Tlp
from models.spdm.secure_session import SecureSession
from models.tdisp.codes import TdiState
from tb.base_test import BaseTest
from tb.host.root_port import HOST_RID
from tb.host.route import Route
from tb.scenario import DEFAULT_STREAM, OTHER_STREAM, STREAM_BLOCKS, Scenario

QUIET = 600
SET_0 = tuple(slot for slot in ALL_SLOTS if slot.key_set == 0)
OTHER = Route(OTHER_STREAM)
INSECURE, SECURE = StreamState.INSECURE, StreamState.SECURE


class Streams(BaseTest):
    """VF1 in RUN on the default stream; the other stream is there for what is done to it."""

    async def scenario(self, kit: Scenario) -> None:
        self.kit = kit
        self.session: SecureSession
        await self.steps()

    async def steps(self) -> None:
        """What the test does."""
        raise AssertionError("a test overrides steps()")

    @property
    def states(self) -> list[TdiState]:
        """State of the TVM's TDI, and of all others together."""
        states = self.adapter.tdi_states()
        tvm = self.kit.tvm_function
        others = (state for n, state in enumerate(states) if n != tvm)
        return [states[tvm], max(others, default=TdiState.CONFIG_UNLOCKED)]

    async def status(self, stream_id: int) -> int:
        """Stream status register."""
        at = await self.kit.vmm.selective_block(STREAM_BLOCKS[stream_id])
        return await self.kit.host.config_read(self.kit.host.pf_rid, at + SelectiveBlock.STATUS)

    async def show(self, default: int, other: int, what: str) -> None:
        """Status registers and pins of both streams."""
        await ClockCycles(self.adapter.clk, QUIET)
        for stream_id, expected in ((DEFAULT_STREAM, default), (OTHER_STREAM, other)):
            status = await self.status(stream_id)
            assert status == expected, f"{what}: status of stream {stream_id} is {status:08x}"
            secure = self.adapter.streams_secure()[STREAM_BLOCKS[stream_id]]
            assert secure is (expected & 0xF == SECURE), f"{what}: stream {stream_id}"

    async def key_again(self, stream_id: int) -> None:
        """Disable the stream, program new keys, enable it."""
        default = stream_id == DEFAULT_STREAM
        await self.kit.vmm.place_stream(STREAM_BLOCKS[stream_id], stream_id, default=default)
        await self.kit.key_stream(self.session, stream_id)

    async def served(self, route: Route, what: str) -> None:
        """A read of the page that needs no T."""
        public = self.kit.function(0).bar0 + Bar0.PUBLIC
        result = await self.kit.host.mem_read(public, 4, route)
        assert (result.status, result.route) == (CplStatus.SC, route), f"{what}: {result}"


@pyuvm.test()
class StatusFollowsTheStreams(Streams):
    """0 until keys and Enable are there; RUN is left when the bound stream goes, not another."""

    async def steps(self) -> None:
        kit = self.kit
        await kit.bring_up()
        await self.show(INSECURE, INSECURE, "placed")
        self.session = await kit.open_session()
        await kit.vmm.enable_stream(STREAM_BLOCKS[OTHER_STREAM], OTHER_STREAM, default=False)
        await self.show(INSECURE, INSECURE, "enabled without keys")
        await self.key_again(OTHER_STREAM)
        await self.show(INSECURE, SECURE, "other stream keyed")
        await kit.key_stream(self.session)
        await self.show(SECURE, SECURE, "both keyed")
        await kit.start(self.session, await kit.lock(self.session, kit.tvm_function))
        await kit.vmm.place_stream(STREAM_BLOCKS[OTHER_STREAM], OTHER_STREAM, default=False)
        await self.show(SECURE, INSECURE, "other stream disabled")
        assert self.states == [TdiState.RUN, TdiState.CONFIG_UNLOCKED]
        await kit.vmm.enable_stream(STREAM_BLOCKS[OTHER_STREAM], OTHER_STREAM, default=False)
        await self.show(SECURE, INSECURE, "other stream enabled with its old keys")
        await kit.vmm.place_stream(STREAM_BLOCKS[DEFAULT_STREAM], DEFAULT_STREAM, default=True)
        await self.show(INSECURE, INSECURE, "bound stream disabled")
        assert self.states == [TdiState.ERROR, TdiState.CONFIG_UNLOCKED]
        await kit.vmm.enable_stream(STREAM_BLOCKS[DEFAULT_STREAM], DEFAULT_STREAM, default=True)
        await self.show(INSECURE, INSECURE, "bound stream enabled with its old keys")
        await self.key_again(DEFAULT_STREAM)
        await self.show(SECURE, INSECURE, "bound stream keyed again")
        assert self.states == [TdiState.ERROR, TdiState.CONFIG_UNLOCKED]
        await kit.stop(self.session, kit.tvm_function)
        await kit.start(self.session, await kit.lock(self.session, kit.tvm_function))
        await self.served(Route(DEFAULT_STREAM), "after all that")


@pyuvm.test()
class StoppedKeysCarryNothing(Streams):
    """K_SET_STOP leaves the stream Secure; the next TLP on it ends it, and nothing else."""

    async def steps(self) -> None:
        kit = self.kit
        self.session, _ = await kit.attach(kit.tvm_function)
        await kit.key_stream(self.session, OTHER_STREAM)
        await self.served(OTHER, "before K_SET_STOP")
        for slot in SET_0:
            assert await kit.key_set(self.session, ObjectId.K_SET_STOP, OTHER_STREAM, slot)
        await self.show(SECURE, SECURE, "keys stopped")
        await kit.vmm.take_errors()
        since = len(kit.host.capture.records)
        await kit.host.mem_write(kit.function(0).bar0 + Bar0.PUBLIC, bytes(4), OTHER)
        await self.show(SECURE, INSECURE, "a TLP under a stopped key")
        assert await kit.vmm.take_errors() == 1 << AerUncorrectable.IDE_CHECK_FAILED
        assert self.states == [TdiState.RUN, TdiState.CONFIG_UNLOCKED]
        sent = [record for record in kit.host.capture.records[since:] if not record.to_device]
        assert not any(
            record.prefix is not None and record.prefix.stream_id == OTHER_STREAM for record in sent
        )
        await self.key_again(OTHER_STREAM)
        await self.show(SECURE, SECURE, "keyed again")
        await self.served(OTHER, "keyed again")


@pyuvm.test()
class ReceivedFailShowsUntilItIsCleared(Streams):
    """IDE Fail for one stream, then for the bound one: Insecure, bit 31, no Fail in return."""

    async def steps(self) -> None:
        kit = self.kit
        self.session, _ = await kit.attach(kit.tvm_function)
        await kit.key_stream(self.session, OTHER_STREAM)
        shown = 1 << StatusBit.RECEIVED_FAIL
        await self._fail(OTHER_STREAM)
        await self.show(SECURE, shown, "IDE Fail for the other stream")
        assert self.states == [TdiState.RUN, TdiState.CONFIG_UNLOCKED]
        await self._write_status(OTHER_STREAM, 0xFFFFFFFF & ~shown)
        await self.show(SECURE, shown, "0 written to the bit")
        await self._write_status(OTHER_STREAM, shown)
        await self.show(SECURE, INSECURE, "1 written to the bit")
        await self.key_again(OTHER_STREAM)
        await self.show(SECURE, SECURE, "keyed again")
        since = len(kit.host.capture.records)
        await self._fail(DEFAULT_STREAM)
        await self.show(shown, SECURE, "IDE Fail for the bound stream")
        assert self.states == [TdiState.ERROR, TdiState.CONFIG_UNLOCKED]
        for record in kit.host.capture.records[since:]:
            if not record.to_device and record.plain is not None:
                message = parse(Tlp.decode(record.plain))
                assert not isinstance(message, IdeFail), "a Fail in return"
        await self._write_status(DEFAULT_STREAM, shown)
        await self.key_again(DEFAULT_STREAM)
        await self.show(SECURE, SECURE, "both keyed again")
        await kit.stop(self.session, kit.tvm_function)

    async def _fail(self, stream_id: int) -> None:
        host = self.kit.host
        stream: IdeStream = host.streams[stream_id]
        stream.make_insecure(InsecureCause.CHECK_FAILED)
        await host.transmit(stream.fail(HOST_RID, host.pf_rid), "IDE Fail")

    async def _write_status(self, stream_id: int, value: int) -> None:
        host, at = self.kit.host, await self.kit.vmm.selective_block(STREAM_BLOCKS[stream_id])
        await host.config_write(host.pf_rid, at + SelectiveBlock.STATUS, value)


@pyuvm.test()
class ControlIsSampledWithEnable(Streams):
    """TEE-Limited of an enabled stream cannot be changed; what is not built reads 0."""

    async def steps(self) -> None:
        kit, host = self.kit, self.kit.host
        await kit.bring_up()
        self.session = await kit.open_session()
        await self.key_again(OTHER_STREAM)
        block = await kit.vmm.selective_block(STREAM_BLOCKS[OTHER_STREAM])
        at = block + SelectiveBlock.CONTROL
        enabled = await host.config_read(host.pf_rid, at)
        limited = 1 << ControlBit.TEE_LIMITED
        assert enabled & limited
        await host.config_write(host.pf_rid, at, enabled & ~limited)
        assert await host.config_read(host.pf_rid, at) == enabled
        unbuilt = 0x3F << ControlBit.TX_AGGREGATION_NPR | 1 << ControlBit.PCRC
        unbuilt |= 0xF << ControlBit.PARTIAL_HEADER_ENCRYPTION | 0x1F << ControlBit.ALGORITHM
        await host.config_write(host.pf_rid, at, enabled | unbuilt)
        assert await host.config_read(host.pf_rid, at) == enabled
        await self.show(INSECURE, SECURE, "after the attempts")
        for offset in (SelectiveBlock.CAPABILITY, SelectiveBlock.STATUS):
            before = await host.config_read(host.pf_rid, block + offset)
            await host.config_write(host.pf_rid, block + offset, 0xFFFFFFFF)
            assert await host.config_read(host.pf_rid, block + offset) == before
        await self.served(OTHER, "after the attempts")
