// SPDX-License-Identifier: Apache-2.0
//
// tdi_fsm: state of every TDI.
//
// Sliced by bits: bit n of every vector belongs to TDI n, and one vector operation serves all TDIs,
// so that any number of them can go to ERROR in one cycle. The caller has checked the requests. An
// error wins over a request of the same cycle, also over a LOCK that is about to begin, and a state
// code that is none of the four is an error (TDISP-STATE-003, TDISP-START-007, TDISP-FSM-013).

`default_nettype none

module tdi_fsm #(
    parameter NUM_TDI = 4
) (
    input wire clk,
    input wire rst,

    // Requests, one-cycle pulses
    input wire [NUM_TDI-1:0] lock_req,
    input wire [NUM_TDI-1:0] start_req,
    input wire [NUM_TDI-1:0] stop_req,
    input wire [NUM_TDI-1:0] error_req,

    // Exactly one of the four is set for each TDI
    output wire [NUM_TDI-1:0] unlocked,
    output wire [NUM_TDI-1:0] locked,
    output wire [NUM_TDI-1:0] running,
    output wire [NUM_TDI-1:0] in_error,

    output wire [NUM_TDI-1:0] enters_lock,   // pulse: CONFIG_LOCKED from the next cycle on
    output wire [NUM_TDI-1:0] enters_error,  // pulse: ERROR from the next cycle on
    output wire [NUM_TDI-1:0] stays_locked,  // CONFIG_LOCKED now and in the next cycle
    output wire [NUM_TDI-1:0] stays_running  // RUN now and in the next cycle
);

  // Hamming distance 4: one flipped bit never turns a state into another.
  localparam [5:0] ST_CONFIG_UNLOCKED = 6'b000111;
  localparam [5:0] ST_CONFIG_LOCKED = 6'b011001;
  localparam [5:0] ST_RUN = 6'b101010;
  localparam [5:0] ST_ERROR = 6'b110100;
  localparam CODE_W = 6;

  // Bit b of the code of all TDIs in slice b
  reg  [CODE_W*NUM_TDI-1:0] state_q;
  wire [CODE_W*NUM_TDI-1:0] state_d;

  reg [NUM_TDI-1:0] is_unlocked, is_locked, is_run, is_error;
  integer b;

  always @* begin
    is_unlocked = {NUM_TDI{1'b1}};
    is_locked   = {NUM_TDI{1'b1}};
    is_run      = {NUM_TDI{1'b1}};
    is_error    = {NUM_TDI{1'b1}};
    for (b = 0; b < CODE_W; b = b + 1) begin
      is_unlocked = is_unlocked & ~(state_q[NUM_TDI*b+:NUM_TDI] ^{NUM_TDI{ST_CONFIG_UNLOCKED[b]}});
      is_locked   = is_locked & ~(state_q[NUM_TDI*b+:NUM_TDI] ^{NUM_TDI{ST_CONFIG_LOCKED[b]}});
      is_run      = is_run & ~(state_q[NUM_TDI*b+:NUM_TDI] ^{NUM_TDI{ST_RUN[b]}});
      is_error    = is_error & ~(state_q[NUM_TDI*b+:NUM_TDI] ^{NUM_TDI{ST_ERROR[b]}});
    end
  end

  wire [NUM_TDI-1:0] locks = is_unlocked & lock_req & ~error_req;
  wire [NUM_TDI-1:0] stops = (is_locked | is_run | is_error) & stop_req & ~error_req;
  wire [NUM_TDI-1:0] starts = is_locked & start_req & ~stop_req & ~error_req;

  wire [NUM_TDI-1:0] next_unlocked = (is_unlocked & ~locks) | stops;
  wire [NUM_TDI-1:0] next_locked = locks | (is_locked & ~starts & ~stops & ~error_req);
  wire [NUM_TDI-1:0] next_run = starts | (is_run & ~stops & ~error_req);
  wire [NUM_TDI-1:0] next_error = ~(next_unlocked | next_locked | next_run);

  generate
    genvar g;
    for (g = 0; g < CODE_W; g = g + 1) begin : g_slice
      assign state_d[NUM_TDI*g+:NUM_TDI] = ({NUM_TDI{ST_CONFIG_UNLOCKED[g]}} & next_unlocked)
          | ({NUM_TDI{ST_CONFIG_LOCKED[g]}} & next_locked)
          | ({NUM_TDI{ST_RUN[g]}} & next_run)
          | ({NUM_TDI{ST_ERROR[g]}} & next_error);

      always @(posedge clk) begin
        if (rst) state_q[NUM_TDI*g+:NUM_TDI] <= {NUM_TDI{ST_CONFIG_UNLOCKED[g]}};
        else state_q[NUM_TDI*g+:NUM_TDI] <= state_d[NUM_TDI*g+:NUM_TDI];
      end
    end
  endgenerate

  assign unlocked      = is_unlocked;
  assign locked        = is_locked;
  assign running       = is_run;
  assign in_error      = ~(is_unlocked | is_locked | is_run);

  assign enters_lock   = locks;
  assign enters_error  = ~is_error & next_error;
  assign stays_locked  = is_locked & next_locked;
  assign stays_running = is_run & next_run;

endmodule

`default_nettype wire
