// SPDX-License-Identifier: Apache-2.0
//
// dma_admit: may this request of the function leave, and how?
//
// Pure: no state, no clock. A memory request leaves with T = 0 in CONFIG_UNLOCKED, with T = 1 on a
// bound stream in RUN, and never in between (TDISP-DMA-001 to 003, 007 to 009). An MSI-X message
// follows the memory rule in RUN when its table is locked, else it has T = 0, as an MSI always has;
// ERROR sends nothing (TDISP-INT-001 to 003). ATS needs ATS Enable, and only a read asks for a
// translation (TDISP-ATS-001, 002). A Page Request follows the memory rule. A PASID needs PASID
// Enable, and an interrupt has none. A Processing Hint needs TPH Requester Enable, and is for reads
// and writes, not for interrupts.
// The stream is the default one but for a translated request to a peer that has a P2P stream and is
// not redirected (TDISP-ATS-006, 007). If that stream cannot send, nothing leaves: another would carry
// the request past the peer.

`default_nettype none
`include "pcie_defs.vh"
`include "tdisp_defs.vh"

module dma_admit #(
    parameter STREAM_W = 1
) (
    // The TDI that sends
    input wire [         1:0] tdi_state,
    input wire [STREAM_W-1:0] tdi_stream,     // default stream bound by LOCK
    input wire                msix_locked,
    input wire                redirect,       // ALL_REQUEST_REDIRECT of the lock
    input wire                stream_secure,  // the default stream can send
    input wire                bus_master,     // Bus Master Enable of the function
    input wire                ats_enable,     // ATS Enable of the function
    input wire                pasid_enable,   // PASID Enable, which all functions share
    input wire                hint_enable,    // TPH Requester Enable of the function

    // The request
    input wire       msix,          // MSI-X message
    input wire       msi,           // MSI; if neither, a memory request
    input wire       read,          // MRd
    input wire       atomic,        // AtomicOp, which the function may send
    input wire       page_request,  // Page Request, which the function may send
    input wire       write,         // MWr, of one DW if it is an interrupt
    input wire [1:0] at,            // Address Type
    input wire       rid_match,     // its Requester ID is that of the TDI
    input wire       pasid,         // it has a PASID
    input wire       hint,          // it has a Processing Hint

    // What its address says
    input wire                peer,        // it is behind a P2P stream that is bound to the TDI
    input wire [STREAM_W-1:0] p2p_stream,
    input wire                p2p_secure,  // that stream can send

    output wire                allow,
    output wire                ide,
    output wire                t,
    output wire [STREAM_W-1:0] stream
);

  wire unlocked = tdi_state == `TDI_CONFIG_UNLOCKED;
  wire locked = tdi_state == `TDI_CONFIG_LOCKED;
  wire run = tdi_state == `TDI_RUN;

  wire interrupt = msix || msi;
  wire trusted = run && !msi && (!msix || msix_locked);
  wire plain = unlocked || (interrupt && (locked || (run && !trusted)));

  wire translated = at == `PCIE_AT_TRANSLATED;
  wire asks = at == `PCIE_AT_TRANSLATION_REQUEST && read;
  wire asks_page = page_request && at == `PCIE_AT_UNTRANSLATED;
  wire pasid_ok = !pasid || (pasid_enable && !interrupt);
  wire hinted_form = (read || write) && !interrupt && at != `PCIE_AT_TRANSLATION_REQUEST;
  wire hint_ok = !hint || (hint_enable && hinted_form);
  wire form_ok = pasid_ok && hint_ok && (write || ((read || atomic || asks_page) && !interrupt));
  wire ats_ok = ats_enable && !interrupt && (translated || asks);
  wire at_ok = at == `PCIE_AT_UNTRANSLATED || ats_ok;

  wire direct = trusted && translated && peer && !redirect;
  wire secure = direct ? p2p_secure : stream_secure;
  wire [STREAM_W-1:0] bound_stream = direct ? p2p_stream : tdi_stream;

  assign allow  = bus_master && at_ok && form_ok && rid_match && (plain || (trusted && secure));
  assign ide    = trusted;
  assign t      = trusted;
  assign stream = trusted ? bound_stream : {STREAM_W{1'b0}};

endmodule

`default_nettype wire
