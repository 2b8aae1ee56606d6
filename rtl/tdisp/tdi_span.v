// SPDX-License-Identifier: Apache-2.0
//
// tdi_span: which functions belong to a TDI.
//
// Either each function is a TDI, or all of them are one: the physical function names it, its virtual
// functions share its state, its stream and its end. Then an error of any of them is an error of
// the TDI, and nothing is drained or cleared before all of them are. The page that
// SET_MMIO_ATTRIBUTE opens is that of the physical function. Pure: no state, no clock.

`default_nettype none

module tdi_span #(
    parameter NUM_TDI = 4,  // functions
    parameter NUM_OWNERS = 4,  // TDIs: as many, or 1
    parameter NUM_IDE_STREAMS = 2,
    parameter STREAM_W = 1
) (
    // Of functions
    input wire [NUM_TDI-1:0] error_req,
    input wire [NUM_TDI-1:0] drained,
    input wire [NUM_TDI-1:0] scrub_busy,
    input wire [NUM_TDI-1:0] present,
    input wire [NUM_TDI-1:0] ats_enable,
    input wire [NUM_TDI-1:0] tph_wrong,   // TPH is enabled in a mode that is not supported

    // The same of TDIs
    output wire [NUM_OWNERS-1:0] owner_error_req,
    output wire [NUM_OWNERS-1:0] owner_drained,
    output wire [NUM_OWNERS-1:0] owner_scrub_busy,
    output wire [NUM_OWNERS-1:0] owner_present,
    output wire [NUM_OWNERS-1:0] owner_ats_enable,
    output wire [NUM_OWNERS-1:0] owner_tph_wrong,

    // Of TDIs
    input wire [              2*NUM_OWNERS-1:0] owner_state,
    input wire [       STREAM_W*NUM_OWNERS-1:0] owner_stream,
    input wire [NUM_IDE_STREAMS*NUM_OWNERS-1:0] owner_p2p,
    input wire [                NUM_OWNERS-1:0] owner_msix_locked,
    input wire [                NUM_OWNERS-1:0] owner_redirect,
    input wire [                NUM_OWNERS-1:0] owner_memory_open,
    input wire [                NUM_OWNERS-1:0] owner_quiesce,
    input wire [                NUM_OWNERS-1:0] owner_hold,
    input wire [                NUM_OWNERS-1:0] owner_stopping,
    input wire [                NUM_OWNERS-1:0] owner_scrub_req,

    // The same of functions
    output wire [              2*NUM_TDI-1:0] state,
    output wire [       STREAM_W*NUM_TDI-1:0] stream,
    output wire [NUM_IDE_STREAMS*NUM_TDI-1:0] p2p,
    output wire [                NUM_TDI-1:0] msix_locked,
    output wire [                NUM_TDI-1:0] redirect,
    output wire [                NUM_TDI-1:0] memory_open,
    output wire [                NUM_TDI-1:0] quiesce,
    output wire [                NUM_TDI-1:0] hold,
    output wire [                NUM_TDI-1:0] stopping,
    output wire [                NUM_TDI-1:0] scrub_req,

    output reg [8:0] others  // virtual functions that belong to the TDI of the physical function
);

  localparam EACH = NUM_TDI / NUM_OWNERS;  // functions of a TDI
  localparam PF = 0;

  generate
    if (NUM_OWNERS != 1 && NUM_OWNERS != NUM_TDI) begin : g_check_num_owners
      PARAM_ERROR_NUM_OWNERS_must_be_1_or_NUM_TDI u_stop ();
    end
    if (EACH == 1) begin : g_each
      assign owner_error_req  = error_req;
      assign owner_drained    = drained;
      assign owner_scrub_busy = scrub_busy;
      assign owner_present    = present;
      assign owner_ats_enable = ats_enable;
      assign owner_tph_wrong  = tph_wrong;
      assign memory_open      = owner_memory_open;
    end else begin : g_whole
      assign owner_error_req  = |error_req;
      assign owner_drained    = &drained;
      assign owner_scrub_busy = |scrub_busy;
      assign owner_present    = present[PF];
      assign owner_ats_enable = |(ats_enable & present);
      assign owner_tph_wrong  = |tph_wrong;
      assign memory_open      = {{(NUM_TDI - 1) {1'b0}}, owner_memory_open};
    end
  endgenerate

  assign state       = {EACH{owner_state}};
  assign stream      = {EACH{owner_stream}};
  assign p2p         = {EACH{owner_p2p}};
  assign msix_locked = {EACH{owner_msix_locked}};
  assign redirect    = {EACH{owner_redirect}};
  assign quiesce     = {EACH{owner_quiesce}};
  assign hold        = {EACH{owner_hold}};
  assign stopping    = {EACH{owner_stopping}};
  assign scrub_req   = {EACH{owner_scrub_req}};

  // Virtual functions are present from the first on.
  always @* begin : count
    integer n;
    others = 9'd0;
    for (n = 1; n < NUM_TDI; n = n + 1) others = EACH != 1 && present[n] ? n[8:0] : others;
  end

endmodule

`default_nettype wire
