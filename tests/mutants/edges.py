# SPDX-License-Identifier: Apache-2.0
"""The device with one edge of its admission out of place at a time, and who notices each."""

from __future__ import annotations

from tb.device import Mutation
from tests.mutants.mutants import ATTACK, Mutant
from tests.plan import attack, covers

EDGES = [
    Mutant(
        attack("ATT-34"),
        f"{ATTACK}34_edges",
        "BordersAreExact",
        Mutation(
            "pages_decoded_in_pairs",
            "link/bar_decode.v",
            "{{(64 - BAR2_W) {1'b0}}, offset[16:12], 12'h000}",
            "{{(64 - BAR2_W) {1'b0}}, offset[16:13], 13'h0000}",
        ),
    ),
    Mutant(
        covers("TDISP-MMIO-014"),
        f"{ATTACK}34_edges",
        "RequestsAcrossAPageAreRefused",
        Mutation(
            "one_dw_too_far",
            "link/tlp_route.v",
            "{1'b0, a_address[11:2]} + a_dw_count <= 11'd1024",
            "{1'b0, a_address[11:2]} + a_dw_count <= 11'd1025",
        ),
    ),
    Mutant(
        covers("TDISP-MMIO-014"),
        f"{ATTACK}34_edges",
        "RequestsAcrossAPageAreRefused",
        Mutation(
            "length_of_1024_counts_as_none",
            "link/tlp_classify.v",
            "dw_count = {hdr[105:96] == 10'd0, hdr[105:96]};",
            "dw_count = {1'b0, hdr[105:96]};",
        ),
    ),
    Mutant(
        covers("TDISP-MMIO-001"),
        f"{ATTACK}34_edges",
        "RequestsThatFitAreServed",
        Mutation(
            "last_dw_of_a_page_is_out",
            "link/tlp_route.v",
            "{1'b0, a_address[11:2]} + a_dw_count <= 11'd1024",
            "{1'b0, a_address[11:2]} + a_dw_count < 11'd1024",
        ),
    ),
    Mutant(
        covers("TDISP-MMIO-001"),
        f"{ATTACK}34_edges",
        "ByteEnablesAreObeyed",
        Mutation(
            "byte_enables_ignored",
            "app/app_mmio.v",
            "mmio_tvalid ? beat_be : {DATA_W / 8{1'b0}}",
            "{DATA_W / 8{mmio_tvalid}}",
        ),
    ),
    Mutant(
        attack("ATT-34"),
        f"{ATTACK}34_edges",
        "AddressesAreComparedInFull",
        Mutation(
            "top_bit_not_compared",
            "link/bar_decode.v",
            "vf_number0 < {{(32 - BAR0_W) {1'b0}}, TDIS}",
            "vf_number0[62:BAR0_W] < {{(31 - BAR0_W) {1'b0}}, TDIS}",
        ),
    ),
    Mutant(
        attack("ATT-34"),
        f"{ATTACK}34_edges",
        "AddressesAreComparedInFull",
        Mutation(
            "short_address_in_the_upper_half",
            "link/tlp_classify.v",
            "long_header ? {hdr[63:2], 2'b00} : {32'd0, hdr[63:34], 2'b00}",
            "{hdr[63:2], 2'b00}",
        ),
    ),
    Mutant(
        covers("TDISP-LOCK-012"),
        f"{ATTACK}34_edges",
        "WrappedAperturesAreNotLocked",
        Mutation(
            "lock_of_wrapped_apertures",
            "cfg/cfg_lock_check.v",
            "vf_end0 <= ADDRESS_END && vf_end2 <= ADDRESS_END",
            "1'b1",
        ),
    ),
    Mutant(
        attack("ATT-34"),
        f"{ATTACK}34_edges",
        "OtherRequestsChangeNothing",
        Mutation(
            "swap_is_a_write",
            "link/tlp_classify.v",
            "tlp_type = hdr[127:120];",
            "tlp_type = hdr[127:120] == `PCIE_TYPE_SWAP64 ? `PCIE_TYPE_MWR64 : hdr[127:120];",
        ),
    ),
    Mutant(
        covers("TDISP-FSM-009"),
        f"{ATTACK}34_edges",
        "PoisonedDataIsNeverTaken",
        Mutation(
            "poisoned_data_is_written",
            "link/tlp_route.v",
            "b_rid_ok_q && admit && !b_poisoned_q",
            "b_rid_ok_q && admit",
        ),
    ),
]
