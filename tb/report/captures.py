# SPDX-License-Identifier: Apache-2.0
"""What a run leaves for other people's tools: DOE objects and TLPs as pcap, keys on request."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from pyuvm import ConfigDB, uvm_subscriber

from models.doe.pcap import CapturedObject, encode_pcap
from models.pcie.tlp_pcap import encode_tlps
from models.spdm.key_file import line as secret_line
from models.spdm.key_log import LoggedSecret
from tb.agents.doe.monitor import DoeObject

DOE_FILE = "doe.pcap"
LINK_FILE = "link.pcap"
KEY_FILE = "keys.txt"
KEY_WARNING = "# Test keys: whoever has this file can read the captures of this run.\n"


class Captures(uvm_subscriber):
    """Connect the analysis port of the DOE monitor to `analysis_export`; call `save` at the end.

    The files go to `folder`, by default the folder in which the simulation runs. Keys are written
    when the variable KEYLOG is set.
    """

    def build_phase(self) -> None:
        self.host: Any = ConfigDB().get(self, "", "HOST")
        self.folder = Path()
        self.secrets: list[LoggedSecret] = ConfigDB().get(self, "", "SECRETS")
        self._objects: list[CapturedObject] = []

    def write(self, tt: DoeObject) -> None:
        """An object is complete."""
        self._objects.append(CapturedObject(int(tt.time_ns), tt.raw))

    def save(self) -> None:
        """Write the files."""
        (self.folder / DOE_FILE).write_bytes(encode_pcap(self._objects))
        (self.folder / LINK_FILE).write_bytes(encode_tlps(self.host.capture.records))
        if os.environ.get("KEYLOG"):
            lines = [key.line() for key in self.host.keys]
            lines += filter(None, map(secret_line, self.secrets))
            (self.folder / KEY_FILE).write_text(KEY_WARNING + "".join(f"{one}\n" for one in lines))
