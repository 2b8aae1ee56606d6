// SPDX-License-Identifier: Apache-2.0
//
// ide_rx_counters: posted TLPs received less posted TLPs announced, for each stream.
//
// Zero while a stream is not Secure. A TLP whose subtraction would underflow, or whose count would
// overflow, is not `legal` and changes nothing (IDE-CNT-004, IDE-CNT-005).

`default_nettype none
`include "ide_defs.vh"

module ide_rx_counters #(
    parameter NUM_IDE_STREAMS = 2,
    parameter STREAM_W = 1
) (
    input wire clk,
    input wire rst,

    input wire [NUM_IDE_STREAMS-1:0] secure,

    input  wire [STREAM_W-1:0] stream,
    input  wire [         1:0] sub_stream,
    input  wire                sync,        // a posted TLP that carries both values
    input  wire [         7:0] npr_sent,
    input  wire [         7:0] cpl_sent,
    output wire                legal,
    input  wire                accept       // count it; only when it is legal
);

  localparam [63:0] COUNT_MAX = {64{1'b1}};
  localparam [63:0] ONE = 64'd1;

  reg [64*NUM_IDE_STREAMS-1:0] npr_q, cpl_q;

  wire [63:0] npr = npr_q[64*stream+:64];
  wire [63:0] cpl = cpl_q[64*stream+:64];
  wire posted = sub_stream == `IDE_SUB_PR;
  wire non_posted = sub_stream == `IDE_SUB_NPR;
  wire completion = sub_stream == `IDE_SUB_CPL;

  // A Sync counts itself before its values are taken off (IDE-CNT-003).
  wire [63:0] npr_more = npr + (posted ? ONE : 64'd0);
  wire [63:0] cpl_more = cpl + (posted ? ONE : 64'd0);
  wire [7:0] npr_less = non_posted || sync ? npr_sent : 8'd0;
  wire [7:0] cpl_less = completion || sync ? cpl_sent : 8'd0;

  wire overflow = posted && (npr == COUNT_MAX || cpl == COUNT_MAX);
  wire underflow = {56'd0, npr_less} > npr_more || {56'd0, cpl_less} > cpl_more;

  assign legal = !overflow && !underflow && (posted || non_posted || completion);

  integer i;
  always @(posedge clk) begin
    for (i = 0; i < NUM_IDE_STREAMS; i = i + 1) begin
      if (rst || !secure[i]) begin
        npr_q[64*i+:64] <= 64'd0;
        cpl_q[64*i+:64] <= 64'd0;
      end else if (accept && legal && stream == i[STREAM_W-1:0]) begin
        npr_q[64*i+:64] <= npr_more - {56'd0, npr_less};
        cpl_q[64*i+:64] <= cpl_more - {56'd0, cpl_less};
      end
    end
  end

endmodule

`default_nettype wire
