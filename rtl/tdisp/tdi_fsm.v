// SPDX-License-Identifier: Apache-2.0
//
// tdi_fsm: state of one TDI.
//
// The caller has checked the requests. An error wins over a request of the same cycle, also over a
// LOCK that is about to begin, and a state code that is none of the four is an error
// (TDISP-STATE-003, TDISP-START-007, TDISP-FSM-013).

`default_nettype none
`include "tdisp_defs.vh"

module tdi_fsm (
    input wire clk,
    input wire rst,

    // Requests, one-cycle pulses
    input wire lock_req,
    input wire start_req,
    input wire stop_req,
    input wire error_req,

    output reg  [1:0] state,         // TDI_STATE as GET_DEVICE_INTERFACE_STATE shows it
    output wire       enters_lock,   // pulse: CONFIG_LOCKED from the next cycle on
    output wire       enters_error,  // pulse: ERROR from the next cycle on
    output wire       stays_locked   // CONFIG_LOCKED now and in the next cycle
);

  // Hamming distance 4: one flipped bit never turns a state into another.
  localparam [5:0] ST_CONFIG_UNLOCKED = 6'b000111;
  localparam [5:0] ST_CONFIG_LOCKED = 6'b011001;
  localparam [5:0] ST_RUN = 6'b101010;
  localparam [5:0] ST_ERROR = 6'b110100;

  reg [5:0] state_q, state_d;

  always @* begin
    state_d = state_q;
    case (state_q)
      ST_CONFIG_UNLOCKED: if (lock_req && !error_req) state_d = ST_CONFIG_LOCKED;
      ST_CONFIG_LOCKED: begin
        if (error_req) state_d = ST_ERROR;
        else if (stop_req) state_d = ST_CONFIG_UNLOCKED;
        else if (start_req) state_d = ST_RUN;
      end
      ST_RUN: begin
        if (error_req) state_d = ST_ERROR;
        else if (stop_req) state_d = ST_CONFIG_UNLOCKED;
      end
      ST_ERROR: if (stop_req && !error_req) state_d = ST_CONFIG_UNLOCKED;
      default: state_d = ST_ERROR;
    endcase
  end

  always @(posedge clk) begin
    if (rst) state_q <= ST_CONFIG_UNLOCKED;
    else state_q <= state_d;
  end

  always @* begin
    case (state_q)
      ST_CONFIG_UNLOCKED: state = `TDI_CONFIG_UNLOCKED;
      ST_CONFIG_LOCKED: state = `TDI_CONFIG_LOCKED;
      ST_RUN: state = `TDI_RUN;
      default: state = `TDI_ERROR;
    endcase
  end

  assign enters_lock  = state_q == ST_CONFIG_UNLOCKED && state_d == ST_CONFIG_LOCKED;
  assign enters_error = state_q != ST_ERROR && state_d == ST_ERROR;
  assign stays_locked = state_q == ST_CONFIG_LOCKED && state_d == ST_CONFIG_LOCKED;

endmodule

`default_nettype wire
