# SPDX-License-Identifier: Apache-2.0
"""Base of every system test: builds the environment, resets the device, runs `scenario`."""

from __future__ import annotations

import gc
import os
import random

import cocotb
from cocotb.utils import get_sim_time
from pyuvm import ConfigDB, uvm_test

from models.spdm.key_port import SessionKeyPort
from models.spdm.responder import SpdmResponder
from models.spdm.responder_state import ResponderConfig
from tb.adapter import TdispDeviceAdapter
from tb.env import TdispEnv
from tb.scenario import Scenario, make_root_of_trust

RESET_CYCLES = 8
GARBAGE = 100_000  # objects made, fewer those gone, between two searches for cycles


class BaseTest(uvm_test):
    """Override `scenario`.

    Knobs: `pause_share` is the share of cycles with back-pressure, `heartbeat_period` the seconds
    within which the root of trust expects a sign of life of each session (0: none).
    """

    pause_share = 0.0
    heartbeat_period = 0

    def build_phase(self) -> None:
        seed = int(os.environ.get("COCOTB_RANDOM_SEED", "1"))
        self.rng = random.Random(seed)
        self.adapter = TdispDeviceAdapter(cocotb.top)
        config = ResponderConfig(heartbeat_period=self.heartbeat_period)
        root = make_root_of_trust(self.rng, config)

        def responder(key_port: SessionKeyPort) -> SpdmResponder:
            return root.responder(key_port)

        database = ConfigDB()
        database.set(None, "*", "ADAPTER", self.adapter)
        database.set(None, "*", "RNG", self.rng)
        database.set(None, "*", "PAUSE_SHARE", self.pause_share)
        database.set(None, "*", "ROT_FACTORY", responder)
        database.set(None, "*", "SECRETS", root.secrets)
        self.env = TdispEnv("env", self)
        self.scenario_kit = Scenario(self.env, root, self.rng)

    async def run_phase(self) -> None:
        self.raise_objection()
        gc.freeze()
        gc.set_threshold(GARBAGE)
        self.adapter.start_clock()
        await self.adapter.reset(RESET_CYCLES)
        try:
            await self.scenario(self.scenario_kit)
            await self.env.settle()
        finally:
            self.env.captures.save()
            gc.freeze()
        self.logger.info("scenario ended at %d ns", get_sim_time("ns"))
        self.drop_objection()

    async def scenario(self, kit: Scenario) -> None:
        """What the test does."""
        raise AssertionError("a test overrides scenario()")
