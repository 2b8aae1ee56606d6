// SPDX-License-Identifier: Apache-2.0
//
// tdi_grants: what requests in RUN have opened of every TDI: its memory page, and P2P streams.
//
// All of it ends with RUN, in the cycle in which RUN ends (TDISP-STOP-006). A parity bit for each
// TDI covers it.

`default_nettype none

module tdi_grants #(
    parameter NUM_TDI = 4,
    parameter NUM_IDE_STREAMS = 2
) (
    input wire clk,
    input wire rst,

    input wire [NUM_TDI-1:0] running,
    input wire [NUM_TDI-1:0] stays_running, // RUN now and in the next cycle

    // Requests for one TDI, one-cycle pulses
    input  wire [        NUM_TDI-1:0] selected,
    input  wire                       attribute_req,
    input  wire                       attribute_open,  // valid with attribute_req
    input  wire                       bind_req,
    input  wire                       unbind_req,
    input  wire [NUM_IDE_STREAMS-1:0] p2p_streams,     // register blocks, valid with the last two
    output reg  [NUM_IDE_STREAMS-1:0] req_p2p,         // what is bound to that TDI

    output wire [                NUM_TDI-1:0] memory_open,
    output reg  [NUM_IDE_STREAMS*NUM_TDI-1:0] p2p,          // bit NUM_IDE_STREAMS*n+s
    output wire [                NUM_TDI-1:0] parity_wrong
);

  localparam NUM_SLICES = NUM_IDE_STREAMS + 1;

  // Bit n of a slice belongs to TDI n: slice 0 is the memory page, slice s + 1 register block s.
  reg [NUM_SLICES*NUM_TDI-1:0] open_q, open_d;
  reg [NUM_TDI-1:0] parity_q, parity_d, parity;

  wire [NUM_SLICES-1:0] opens = {
    bind_req ? p2p_streams : {NUM_IDE_STREAMS{1'b0}}, attribute_req && attribute_open
  };
  wire [NUM_SLICES-1:0] closes = {
    unbind_req ? p2p_streams : {NUM_IDE_STREAMS{1'b0}}, attribute_req && !attribute_open
  };

  always @* begin : next
    integer s;
    open_d   = open_q;
    parity   = {NUM_TDI{1'b0}};
    parity_d = parity_q;
    for (s = 0; s < NUM_SLICES; s = s + 1) begin
      if (opens[s]) open_d[NUM_TDI*s+:NUM_TDI] = open_q[NUM_TDI*s+:NUM_TDI] | selected;
      if (closes[s]) open_d[NUM_TDI*s+:NUM_TDI] = open_q[NUM_TDI*s+:NUM_TDI] & ~selected;
      // The parity follows the changes, so that a bit that flipped by itself stays noticed.
      parity   = parity ^ open_q[NUM_TDI*s+:NUM_TDI];
      parity_d = parity_d ^ open_q[NUM_TDI*s+:NUM_TDI] ^ open_d[NUM_TDI*s+:NUM_TDI];
    end
  end

  always @(posedge clk) begin
    if (rst) begin
      open_q   <= {NUM_SLICES * NUM_TDI{1'b0}};
      parity_q <= {NUM_TDI{1'b0}};
    end else begin
      open_q   <= open_d & {NUM_SLICES{stays_running}};
      parity_q <= parity_d & stays_running;
    end
  end

  // A TDI whose state code is broken is in ERROR in this very cycle.
  always @* begin : unsliced
    integer n, s;
    for (s = 0; s < NUM_IDE_STREAMS; s = s + 1) begin
      req_p2p[s] = |(open_q[NUM_TDI*(s+1)+:NUM_TDI] & running & selected);
      for (n = 0; n < NUM_TDI; n = n + 1) begin
        p2p[NUM_IDE_STREAMS*n+s] = open_q[NUM_TDI*(s+1)+n] && running[n];
      end
    end
  end

  assign memory_open  = open_q[NUM_TDI-1:0] & running;
  assign parity_wrong = parity ^ parity_q;

endmodule

`default_nettype wire
