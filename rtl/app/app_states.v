// SPDX-License-Identifier: Apache-2.0
//
// app_states: what each function may do, from the state of its TDI.
//
// Each answer is one vector operation for all functions.

`default_nettype none
`include "tdisp_defs.vh"

module app_states #(
    parameter NUM_TDI = 4
) (
    input wire clk,
    input wire rst,

    input wire [2*NUM_TDI-1:0] tdi_state,
    input wire [  NUM_TDI-1:0] tdi_bme,
    input wire [  NUM_TDI-1:0] tdi_msix_locked,
    input wire [  NUM_TDI-1:0] tdi_quiesce,
    input wire [  NUM_TDI-1:0] scrub_busy,

    output wire [NUM_TDI-1:0] state_changed,  // not what it was a cycle ago
    output wire [NUM_TDI-1:0] run,
    output wire [NUM_TDI-1:0] may_dma,
    output wire [NUM_TDI-1:0] may_interrupt,
    output wire [NUM_TDI-1:0] takes_table,    // a LOCK takes the MSI-X table over
    output wire [NUM_TDI-1:0] kill            // what is going on belongs to the past
);

  localparam [1:0] RESET_STATE = `TDI_CONFIG_UNLOCKED;

  wire [NUM_TDI-1:0] state_1, state_0;
  reg [NUM_TDI-1:0] old_state_1_q, old_state_0_q;

  genvar g;
  generate
    for (g = 0; g < NUM_TDI; g = g + 1) begin : g_tdi
      assign {state_1[g], state_0[g]} = tdi_state[2*g+:2];
    end
  endgenerate

  always @(posedge clk) begin
    old_state_1_q <= rst ? {NUM_TDI{RESET_STATE[1]}} : state_1;
    old_state_0_q <= rst ? {NUM_TDI{RESET_STATE[0]}} : state_0;
  end

  function automatic [NUM_TDI-1:0] in_state(input reg [1:0] state, input reg [NUM_TDI-1:0] bit_1,
                                            input reg [NUM_TDI-1:0] bit_0);
    in_state = (state[1] ? bit_1 : ~bit_1) & (state[0] ? bit_0 : ~bit_0);
  endfunction

  wire [NUM_TDI-1:0] unlocked = in_state(`TDI_CONFIG_UNLOCKED, state_1, state_0);
  wire [NUM_TDI-1:0] locked = in_state(`TDI_CONFIG_LOCKED, state_1, state_0);
  wire [NUM_TDI-1:0] in_error = in_state(`TDI_ERROR, state_1, state_0);

  assign state_changed = (state_1 ^ old_state_1_q) | (state_0 ^ old_state_0_q);
  assign run           = in_state(`TDI_RUN, state_1, state_0);
  assign may_dma       = tdi_bme & (run | unlocked);
  assign may_interrupt = tdi_bme & ~in_error & ~scrub_busy & ~state_changed;
  assign takes_table   = state_changed & locked & tdi_msix_locked;
  assign kill          = tdi_quiesce | scrub_busy | state_changed;

endmodule

`default_nettype wire
