// SPDX-License-Identifier: Apache-2.0
//
// dma_admit: may this request of the function leave, and how?
//
// Pure: no state, no clock. A memory request leaves with T = 0 in CONFIG_UNLOCKED, with T = 1 on the
// bound stream in RUN, and never in between (TDISP-DMA-001 to 003, 007 to 009). An MSI-X message
// follows the memory rule in RUN when its table is locked, else it has T = 0; ERROR sends nothing
// (TDISP-INT-002, 003).

`default_nettype none
`include "tdisp_defs.vh"

module dma_admit #(
    parameter STREAM_W = 1
) (
    // The TDI that sends
    input wire [         1:0] tdi_state,
    input wire [STREAM_W-1:0] tdi_stream,     // default stream bound by LOCK
    input wire                msix_locked,
    input wire                stream_secure,  // the bound stream can send
    input wire                bus_master,     // Bus Master Enable of the function

    // The request
    input wire msix,      // MSI-X message, else a memory request
    input wire form_ok,   // a type that this class of request may have
    input wire rid_match, // its Requester ID is that of the TDI

    output wire                allow,
    output wire                ide,
    output wire                t,
    output wire [STREAM_W-1:0] stream
);

  wire unlocked = tdi_state == `TDI_CONFIG_UNLOCKED;
  wire locked = tdi_state == `TDI_CONFIG_LOCKED;
  wire run = tdi_state == `TDI_RUN;

  wire trusted = run && (!msix || msix_locked);
  wire plain = unlocked || (msix && (locked || (run && !msix_locked)));

  assign allow  = bus_master && form_ok && rid_match && (plain || (trusted && stream_secure));
  assign ide    = trusted;
  assign t      = trusted;
  assign stream = trusted ? tdi_stream : {STREAM_W{1'b0}};

endmodule

`default_nettype wire
