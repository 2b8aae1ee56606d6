# SPDX-License-Identifier: Apache-2.0
"""Parts of the function under protection that turn against the rest of the device."""

from __future__ import annotations

from tb.device import Mutation

SPOOFER = Mutation(
    "requests_with_anothers_requester_id",
    "app/app_sender.v",
    "pf_rid + {{(16 - TDI_W) {1'b0}}, tdi_q}",
    "pf_rid + {{(16 - TDI_W) {1'b0}}, ~tdi_q}",
)


def _sender(name: str, kind: str, length: str, last_byte: str) -> Mutation:
    """An engine that puts another type, length and byte enables or code into its requests."""
    rest = """
    long_address ? address_q[63:32] : low_address,
    long_address ? low_address : 32'd0
  };"""
    old = """appreq_hdr = {
    tlp_type,
    5'h00,
    attr_q[2],
    1'b0,
    hint_q[2],
    2'b00,
    attr_q[1:0],
    uses_q,
    asks_q,
    count_q[9:0],
    rid_q,
    tag,
    enables,"""
    new = f"appreq_hdr = {{{kind}, 8'h00, 6'h00, {length}, rid_q, tag, {last_byte},"
    return Mutation(name, "app/app_sender.v", old + rest, new + rest)


DATA = "(write_q && !interrupt_q)"
PAGE_REQUESTER = _sender(
    "reads_become_page_requests",
    "write_q ? tlp_type : `PCIE_TYPE_MSG_RC",
    "write_q ? count_q[9:0] : 10'd0",
    "write_q ? enables : 8'h04",
)
VENDOR_MESSENGER = _sender(
    "writes_become_vendor_messages",
    f"{DATA} ? `PCIE_TYPE_MSGD_RC : tlp_type",
    "count_q[9:0]",
    f"{DATA} ? `PCIE_MSG_VENDOR_DEFINED_1 : enables",
)
ATOMIC_SENDER = _sender(
    "writes_become_atomics",
    f"{DATA} ? (long_address ? `PCIE_TYPE_SWAP64 : `PCIE_TYPE_SWAP32) : tlp_type",
    "count_q[9:0]",
    "enables",
)
INSISTENT = Mutation(
    "interrupts_at_any_time",
    "app/app_pending.v",
    "sends = pending_q & vector_unmasked & may_send;",
    "sends = vector_unmasked;",
)
CLAIMANT = Mutation(
    "claims_to_have_translated",
    "app/app_sender.v",
    "uses_q     <= uses;",
    "uses_q     <= !asks_q;",
)
