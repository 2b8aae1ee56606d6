# SPDX-License-Identifier: Apache-2.0
"""The fuzzing campaign of the models through the mailbox of the device, under the scoreboard.

FUZZ_MESSAGES in the environment says how many messages, FUZZ_OUTPUT where outcome and progress go.
"""

from __future__ import annotations

import os
import random
from collections.abc import Sequence
from pathlib import Path

import pyuvm
from cocotb.utils import get_sim_time
from pyuvm import ConfigDB

from models.fuzz.campaign import AIMED, AIMED_MESSAGES, Campaign
from models.fuzz.corpus import CORPUS
from models.fuzz.goals import GOALS, Goal, foreign, missed
from models.fuzz.judge import FuzzError
from models.fuzz.outcome import Outcome
from models.spdm.requester import SpdmRequester
from models.tsm.errors import TsmError
from tb.base_test import BaseTest
from tb.report.progress import Progress, ProgressWriter
from tb.scenario import Scenario
from tests.random.fuzz_host import FuzzMailbox, FuzzVmm, live
from tests.system.cocotb_sdis import sdi_profile

OUTCOME = "outcome.json"
PROGRESS = "progress.jsonl"
PEER_ANSWERS = ("BIND_P2P_STREAM_RESPONSE", "UNBIND_P2P_STREAM_RESPONSE")
TOLD = 20  # messages between two lines of progress


class Fuzz(BaseTest):
    """Every answer is the predictor's and keeps the rules; then a life cycle; goals are hit."""

    goals: Sequence[Goal] = GOALS

    async def scenario(self, kit: Scenario) -> None:
        self.kit = kit
        self.folder = Path(os.environ.get("FUZZ_OUTPUT", "."))
        self.progress = ProgressWriter(self.folder / PROGRESS)
        await kit.bring_up()
        self.vmm = FuzzVmm(kit)
        await self.vmm.set_up()
        campaign = self.make_campaign()
        try:
            await campaign.replay(find.message for find in CORPUS)
            self._assert_as_predicted("messages that once found something")
            await self._run(campaign, int(os.environ.get("FUZZ_MESSAGES") or AIMED_MESSAGES))
            await self._live(campaign)
            unheard_of = [str(goal) for goal in foreign(campaign.judge)]
            if unheard_of:
                raise FuzzError(f"unheard of: {', '.join(unheard_of)}")
        except FuzzError as error:
            self._save(campaign, str(error))
            raise
        self._save(campaign)
        self.judge(campaign)

    def judge(self, campaign: Campaign) -> None:
        """What else must hold in the end."""

    def make_campaign(self) -> Campaign:
        """A campaign of this test's seed."""
        kit, rng = self.kit, random.Random(self.rng.getrandbits(64))
        scene = self.vmm.scene()
        mailbox = FuzzMailbox(kit, random.Random(rng.getrandbits(64)), scene.longest_object)

        def prepare() -> SpdmRequester:
            entropy = random.Random(rng.getrandbits(64))
            return SpdmRequester(mailbox, entropy, [kit.root.identity.root])

        return Campaign(mailbox, prepare, self.vmm, scene, rng, AIMED, self.goals)

    async def _run(self, campaign: Campaign, messages: int) -> None:
        told = 0
        while campaign.sent < messages:
            await campaign.run(1)
            self._assert_as_predicted(f"message {campaign.sent}: {campaign.last.hex()}")
            if campaign.sent >= told:
                told = campaign.sent + TOLD
                now = get_sim_time("ns")
                self.progress.write(Progress(campaign.sent, messages, "messages", now))

    def _assert_as_predicted(self, what: str) -> None:
        """The first mismatch ends the campaign, so that its message is known."""
        for mismatch in self.kit.env.scoreboard.findings.mismatches:
            raise FuzzError(f"{what}: {', '.join(mismatch.requirements)}: {mismatch.title}")

    async def _live(self, campaign: Campaign) -> None:
        await campaign.close()
        try:
            await live(self.kit)
        except TsmError as error:
            raise FuzzError(f"no life cycle after message {campaign.sent}: {error}") from error
        self._assert_as_predicted("in the life cycle after it")

    def _save(self, campaign: Campaign, finding: str = "") -> None:
        text = Outcome.of(campaign, finding).encode()
        (self.folder / OUTCOME).write_text(text, encoding="utf-8")


@pyuvm.test()
class FuzzedForAsLongAsWanted(Fuzz):
    """For `make fuzz`."""


@pyuvm.test()
class EveryErrorOfEveryRequestIsHit(Fuzz):
    """Long enough to see all that the device can answer."""

    def judge(self, campaign: Campaign) -> None:
        assert [str(goal) for goal in missed(campaign.judge, self.goals)] == []


@pyuvm.test()
class EveryErrorIsHitWithSdisAsWell(EveryErrorOfEveryRequestIsHit):
    """TDIs are told apart by PASID. Only the function reaches peers: too seldom for a goal."""

    goals = tuple(goal for goal in GOALS if goal.name not in PEER_ANSWERS)

    def build_phase(self) -> None:
        super().build_phase()
        ConfigDB().set(None, "*", "PROFILE", sdi_profile(self.adapter.num_tdi))
