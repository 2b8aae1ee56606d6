# SPDX-License-Identifier: Apache-2.0
"""The device without one check of its traffic at a time, and the test that notices each loss."""

from __future__ import annotations

from tb.device import Mutation
from tests.mutants.hostile import (
    ATOMIC_SENDER,
    CLAIMANT,
    INSISTENT,
    PAGE_REQUESTER,
    SPOOFER,
    VENDOR_MESSENGER,
)
from tests.mutants.mutants import ATTACK, SYSTEM, Mutant
from tests.plan import attack, covers

WRITES = "tlp_type == `PCIE_TYPE_MWR32 || tlp_type == `PCIE_TYPE_MWR64"
IN_HEADER_LOG = "addr == `CFG_REG_AER_CONTROL + 12'd4"
LAST_INTERRUPT = "tdisp_device.u_app.u_dma.u_sender.data_q"

TRAFFIC = [
    # MMIO filter
    Mutant(
        covers("TDISP-MMIO-002"),
        f"{ATTACK}14_t_bit",
        "ClaimedTIsRefused",
        Mutation("mmio_without_t", "filter/mmio_filter.v", "trusted = ide && t;", "trusted = ide;"),
    ),
    Mutant(
        covers("TDISP-MMIO-004", "TDISP-MMIO-010"),
        f"{ATTACK}14_t_bit",
        "ClaimedTIsRefused",
        Mutation(
            "mmio_from_any_stream",
            "filter/mmio_filter.v",
            "run && trusted && stream_bound",
            "run && trusted",
        ),
    ),
    Mutant(
        covers("TDISP-MMIO-003", "TDISP-START-006"),
        f"{ATTACK}09_former_owner",
        "FormerOwnerIsRefused",
        Mutation(
            "mmio_before_start",
            "filter/mmio_filter.v",
            "run = tdi_state == `TDI_RUN;",
            "run = tdi_state != `TDI_CONFIG_UNLOCKED;",
        ),
    ),
    Mutant(
        covers("TDISP-MMIO-002"),
        f"{ATTACK}15_downgrade",
        "PlainRequestsToALockedTdiAreRefused",
        Mutation(
            "mmio_in_clear",
            "filter/mmio_filter.v",
            "tee_ok || plain_ok",
            "tee_ok || plain_ok || !t",
        ),
    ),
    Mutant(
        covers("TDISP-MMIO-008"),
        f"{ATTACK}15_downgrade",
        "PlainRequestsToALockedTdiAreRefused",
        Mutation(
            "msix_table_in_clear", "filter/mmio_filter.v", "(!msix_locked || unlocked)", "1'b1"
        ),
    ),
    # DMA filter
    Mutant(
        covers("TDISP-DMA-002"),
        f"{ATTACK}13_dma",
        "TvmsOwnTransfersPass",
        Mutation("dma_without_t", "filter/dma_admit.v", "t      = trusted;", "t      = 1'b0;"),
    ),
    Mutant(
        covers("TDISP-DMA-003"),
        f"{ATTACK}13_dma",
        "TvmsOwnTransfersPass",
        Mutation("dma_in_clear", "filter/dma_admit.v", "ide    = trusted;", "ide    = 1'b0;"),
    ),
    Mutant(
        covers("TDISP-DMA-003"),
        f"{ATTACK}13_dma",
        "TvmsOwnTransfersPass",
        Mutation(
            "dma_on_any_stream",
            "filter/dma_admit.v",
            "trusted ? bound_stream : {STREAM_W{1'b0}}",
            "trusted ? ~bound_stream : {STREAM_W{1'b0}}",
        ),
    ),
    Mutant(
        covers("TDISP-DMA-008"),
        f"{ATTACK}13_dma",
        "FunctionOfALegacyVmCannotReachATvm",
        Mutation(
            "dma_of_a_legacy_vm_with_t",
            "filter/dma_admit.v",
            "trusted = run && !msi && (!msix || msix_locked);",
            "trusted = (run || unlocked) && !msi && (!msix || msix_locked);",
        ),
    ),
    Mutant(
        covers("IDE-SEL-003"),
        f"{ATTACK}15_downgrade",
        "DowngradedCompletionsAreRefused",
        Mutation(
            "completion_in_clear",
            "app/app_cpl.v",
            "in_clear = ide_q && !arrived_ide_q;",
            "in_clear = 1'b0;",
        ),
    ),
    Mutant(
        covers("IDE-SEL-003"),
        f"{ATTACK}15_downgrade",
        "DowngradedCompletionsAreRefused",
        Mutation(
            "completion_on_any_stream",
            "app/app_cpl.v",
            "known && ide_q && arrived_ide_q && arrived_stream_q != stream_q",
            "1'b0",
        ),
    ),
    Mutant(
        covers("TDISP-DMA-007"),
        f"{ATTACK}11_spoof",
        "SpoofedRequestsAreDropped",
        Mutation(
            "dma_with_any_requester_id",
            "filter/dma_admit.v",
            "form_ok && rid_match",
            "form_ok",
        ),
        SPOOFER,
    ),
    Mutant(
        attack("ATT-12"),
        f"{ATTACK}12_deputy",
        "EachTdiReachesItsOwnOnly",
        Mutation("completion_for_any_requester", "app/app_cpl.v", "hdr_q[63:48] == rid", "1'b1"),
    ),
    Mutant(
        covers("TDISP-INT-004"),
        f"{ATTACK}22_stale_msix",
        "EntriesFromBeforeTheLockSendNothing",
        Mutation(
            "pending_bits_survive_the_lock",
            "app/app_msix.v",
            "forget_req | (sweep_step ? ONE << sweep_tdi : NONE)",
            "sweep_step ? ONE << sweep_tdi : NONE",
        ),
    ),
    Mutant(
        attack("ATT-23"),
        f"{ATTACK}23_ats",
        "TranslationOpensNothing",
        Mutation(
            "translation_requests_served",
            "link/tlp_classify.v",
            "address_type_ok = !hdr[106];",
            "address_type_ok = 1'b1;",
        ),
    ),
    Mutant(
        covers("TDISP-ATS-005", "TDISP-LOCK-020"),
        f"{ATTACK}23_ats",
        "TranslationsEndWithTheirLife",
        Mutation(
            "translations_outlive_their_life", "app/app_dma.v", "kill | worthless", "worthless"
        ),
    ),
    Mutant(
        attack("ATT-23"),
        f"{ATTACK}23_ats",
        "TranslationsThatWereTakenBackAreNotUsed",
        Mutation(
            "translations_that_are_taken_back_stay",
            "app/app_dma.v",
            "~ats_enable | invalidating",
            "~ats_enable",
        ),
    ),
    Mutant(
        attack("ATT-23"),
        f"{ATTACK}23_ats",
        "ClaimedTranslationsNeverLeave",
        Mutation(
            "translated_requests_without_ats",
            "filter/dma_admit.v",
            "ats_ok = ats_enable && !interrupt && (translated || asks);",
            "ats_ok = !interrupt && (translated || asks);",
        ),
        CLAIMANT,
    ),
    Mutant(
        covers("TDISP-FSM-011"),
        f"{SYSTEM}ats",
        "TranslationsWithoutTStopARunningTdi",
        Mutation(
            "translations_without_t_count",
            "app/app_cpl.v",
            "asks_q && ide_q && !(arrived_ide_q && arrived_t_q)",
            "1'b0",
        ),
    ),
    Mutant(
        attack("ATT-23"),
        f"{SYSTEM}ats",
        "TranslationsThatAreTakenBackAreAskedForAgain",
        Mutation(
            "invalidations_wait_for_nothing",
            "app/app_dma.v",
            "inval_valid && !in_use && !sending[inval_tdi]",
            "inval_valid",
        ),
    ),
    Mutant(
        covers("TDISP-DMA-003"),
        f"{ATTACK}24_peer",
        "NothingPassesTheHostBy",
        Mutation(
            "dma_on_an_unbound_stream",
            "filter/dma_admit.v",
            "trusted ? bound_stream : {STREAM_W{1'b0}}",
            "trusted ? {STREAM_W{1'b1}} : {STREAM_W{1'b0}}",
        ),
    ),
    # Interrupts
    Mutant(
        covers("TDISP-INT-001"),
        f"{SYSTEM}msi",
        "AnMsiIsNeverTrusted",
        Mutation(
            "msi_with_t_in_run",
            "filter/dma_admit.v",
            "trusted = run && !msi && (!msix || msix_locked);",
            "trusted = run && (!msix || msix_locked);",
        ),
    ),
    # Other types
    Mutant(
        covers("TDISP-INT-002"),
        f"{ATTACK}35_messages",
        "EachStateSendsItsTypesOnly",
        Mutation(
            "interrupts_without_t",
            "filter/dma_admit.v",
            "t      = trusted;",
            "t      = trusted && !msix;",
        ),
    ),
    Mutant(
        covers("TDISP-INT-003"),
        f"{ATTACK}35_messages",
        "EachStateSendsItsTypesOnly",
        Mutation(
            "no_interrupts_while_locked",
            "filter/dma_admit.v",
            "(interrupt && (locked || (run && !trusted)))",
            "(interrupt && run && !trusted)",
        ),
    ),
    Mutant(
        attack("ATT-35"),
        f"{ATTACK}35_messages",
        "MessagesMoveNothing",
        Mutation(
            "messages_by_address_are_writes",
            "link/tlp_classify.v",
            "tlp_type = hdr[127:120];",
            "tlp_type = hdr[127:120] == `PCIE_TYPE_MSGD_ADDRESS ? `PCIE_TYPE_MWR64 : hdr[127:120];",
        ),
    ),
    Mutant(
        covers("TDISP-MMIO-011"),
        f"{ATTACK}35_messages",
        "OtherSpacesLeadNowhere",
        Mutation(
            "io_reads_memory",
            "link/tlp_classify.v",
            "tlp_type = hdr[127:120];",
            "tlp_type = hdr[127:120] == `PCIE_TYPE_IORD ? `PCIE_TYPE_MRD32 : hdr[127:120];",
        ),
    ),
    Mutant(
        covers("TDISP-FSM-016"),
        f"{ATTACK}35_messages",
        "InterruptsInErrorAreDropped",
        Mutation(
            "interrupts_in_error",
            "filter/dma_admit.v",
            "(interrupt && (locked || (run && !trusted)))",
            "(interrupt && !trusted)",
        ),
        INSISTENT,
    ),
    *(
        Mutant(
            attack("ATT-35"),
            f"{ATTACK}35_messages",
            "OtherTypesNeverLeave",
            Mutation(
                name,
                "filter/dma_filter.v",
                WRITES,
                f"{WRITES} || {added}",
            ),
            hostile,
        )
        for name, added, hostile in (
            ("page_requests_leave", "tlp_type == `PCIE_TYPE_MSG_RC", PAGE_REQUESTER),
            ("vendor_messages_leave", "tlp_type == `PCIE_TYPE_MSGD_RC", VENDOR_MESSENGER),
            ("atomics_leave", "tlp_type == `PCIE_TYPE_SWAP32", ATOMIC_SENDER),
        )
    ),
    # Peers
    Mutant(
        covers("TDISP-MMIO-010"),
        f"{ATTACK}24_peer",
        "OnlyTheBoundPeerIsServed",
        Mutation(
            "peer_reaches_every_tdi",
            "link/tlp_route.v",
            "peer_bound = {1'b0, b_stream} < STREAMS && p2p_bound[b_stream];",
            "peer_bound = {1'b0, b_stream} < STREAMS && |tdi_p2p;",
        ),
    ),
    Mutant(
        covers("TDISP-P2P-002"),
        f"{ATTACK}24_peer",
        "OnlyTheBoundPeerIsServed",
        Mutation(
            "stream_of_another_session_is_bound",
            "tdisp/tdisp_p2p_check.v",
            "stream_owner_session[SESSION_W*n+:SESSION_W] == session",
            "1'b1",
        ),
    ),
    Mutant(
        covers("TDISP-ATS-006"),
        f"{ATTACK}24_peer",
        "OnlyTheBoundPeerIsServed",
        Mutation(
            "untranslated_requests_to_the_peer",
            "filter/dma_admit.v",
            "direct = trusted && translated && peer && !redirect;",
            "direct = trusted && peer && !redirect;",
        ),
    ),
    Mutant(
        covers("TDISP-P2P-003"),
        f"{ATTACK}24_peer",
        "OnlyTheBoundPeerIsServed",
        Mutation(
            "bound_streams_not_watched",
            "cfg/lock_watch.v",
            "|(tdi_p2p[NUM_IDE_STREAMS*n+:NUM_IDE_STREAMS] & one_block)",
            "1'b0",
        ),
    ),
    Mutant(
        covers("TDISP-P2P-005"),
        f"{SYSTEM}optional",
        "ABoundStreamBreaksTheTdisThatBoundIt",
        Mutation(
            "peers_stream_lost_unnoticed",
            "cfg/tdi_monitor.v",
            "|(tdi_p2p[NUM_IDE_STREAMS*n+:NUM_IDE_STREAMS] & stream_insecure_event)",
            "1'b0",
        ),
    ),
    Mutant(
        covers("TDISP-MMA-004"),
        f"{SYSTEM}optional",
        "AnAttributeOpensOnePageToAll",
        Mutation(
            "page_open_for_every_tdi",
            "link/tlp_route.v",
            "b_memory_q && tdi_memory_open[b_tdi_q]",
            "b_memory_q && |tdi_memory_open",
        ),
    ),
    Mutant(
        covers("TDISP-MMA-004"),
        f"{SYSTEM}optional",
        "AnAttributeOpensOnePageToAll",
        Mutation(
            "every_page_is_opened",
            "link/tlp_route.v",
            "b_memory_q && tdi_memory_open[b_tdi_q]",
            "tdi_memory_open[b_tdi_q]",
        ),
    ),
    # Clearing
    Mutant(
        covers("TDISP-ZERO-001"),
        f"{ATTACK}25_residue",
        "NextTvmFindsNothing",
        Mutation(
            "nothing_is_cleared", "app/app_scrub.v", "scrub_req & ~waiting", "{NUM_TDI{1'b0}}"
        ),
    ),
    Mutant(
        covers("TDISP-ZERO-004"),
        f"{SYSTEM}config_space",
        "ConfigurationSpaceKeepsNothingOfALife",
        Mutation(
            "log_of_the_last_interrupt",
            "cfg/cfg_aer.v",
            "default: rdata = 32'd0;",
            f"default: rdata = {IN_HEADER_LOG} ? {LAST_INTERRUPT} : 32'd0;",
        ),
    ),
]
