# SPDX-License-Identifier: Apache-2.0
"""Agent of the DOE mailbox."""

from __future__ import annotations

from pyuvm import uvm_agent, uvm_sequence, uvm_sequencer

from tb.agents.doe.driver import DoeDriver
from tb.agents.doe.item import DoeItem, DoeResult
from tb.agents.doe.monitor import DoeMonitor


class DoeSequence(uvm_sequence):
    """One exchange."""

    def __init__(self, item: DoeItem) -> None:
        super().__init__("doe_sequence")
        self.item = item

    async def body(self) -> None:
        await self.start_item(self.item)
        await self.finish_item(self.item)


class DoeAgent(uvm_agent):
    """Sequencer and driver over configuration space; the monitor listens to its accesses."""

    def build_phase(self) -> None:
        super().build_phase()
        self.monitor = DoeMonitor("monitor", self)
        if self.get_is_active():
            self.sequencer = uvm_sequencer("sequencer", self)
            self.driver = DoeDriver("driver", self)

    def connect_phase(self) -> None:
        if self.get_is_active():
            self.driver.seq_item_port.connect(self.sequencer.seq_item_export)

    async def exchange(self, doe_object: bytes) -> bytes | None:
        """Transport of the TSM: the response object, or None when there is none."""
        return (await self.carry(doe_object)).response

    async def carry(self, doe_object: bytes) -> DoeItem:
        """The exchange with its result; the mailbox is free again after it."""
        item = DoeItem(doe_object)
        await DoeSequence(item).start(self.sequencer)
        if item.result in (DoeResult.ERROR, DoeResult.TIMEOUT):
            await self.driver.abort()
        return item
