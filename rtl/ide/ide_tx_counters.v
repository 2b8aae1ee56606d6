// SPDX-License-Identifier: Apache-2.0
//
// ide_tx_counters: PR_Sent_Counter-NPR and -CPL of each stream (IDE-CNT-001).
//
// Zero while a stream is not Secure. A Sync is asked for at IDE_SYNC_DUE, so neither counter can
// overflow as long as the Sync goes out before the next posted TLP (IDE-CNT-002).

`default_nettype none
`include "ide_defs.vh"

module ide_tx_counters #(
    parameter NUM_IDE_STREAMS = 2,
    parameter STREAM_W = 1
) (
    input wire clk,
    input wire rst,

    input  wire [NUM_IDE_STREAMS-1:0] secure,
    output reg  [NUM_IDE_STREAMS-1:0] sync_due,

    input  wire [STREAM_W-1:0] stream,
    input  wire [         1:0] sub_stream,
    input  wire                sync,
    output wire [         7:0] npr_sync,    // what a Sync carries: it counts itself (IDE-CNT-003)
    output wire [         7:0] cpl_sync,
    output wire [         7:0] field,       // PR_Sent_Counter of the prefix
    input  wire                sent         // the TLP has been started
);

  reg [8*NUM_IDE_STREAMS-1:0] npr_q, cpl_q;

  wire [7:0] npr = npr_q[8*stream+:8];
  wire [7:0] cpl = cpl_q[8*stream+:8];

  assign npr_sync = npr + 8'd1;
  assign cpl_sync = cpl + 8'd1;
  assign field    = sub_stream == `IDE_SUB_NPR ? npr : sub_stream == `IDE_SUB_CPL ? cpl : 8'd0;

  integer i;
  always @* begin
    for (i = 0; i < NUM_IDE_STREAMS; i = i + 1)
    sync_due[i] = npr_q[8*i+:8] >= `IDE_SYNC_DUE || cpl_q[8*i+:8] >= `IDE_SYNC_DUE;
  end

  always @(posedge clk) begin
    for (i = 0; i < NUM_IDE_STREAMS; i = i + 1) begin
      if (rst || !secure[i]) begin
        npr_q[8*i+:8] <= 8'd0;
        cpl_q[8*i+:8] <= 8'd0;
      end else if (sent && stream == i[STREAM_W-1:0]) begin
        if (sync) begin
          npr_q[8*i+:8] <= 8'd0;
          cpl_q[8*i+:8] <= 8'd0;
        end else if (sub_stream == `IDE_SUB_PR) begin
          npr_q[8*i+:8] <= npr_sync;
          cpl_q[8*i+:8] <= cpl_sync;
        end else if (sub_stream == `IDE_SUB_NPR) begin
          npr_q[8*i+:8] <= 8'd0;
        end else begin
          cpl_q[8*i+:8] <= 8'd0;
        end
      end
    end
  end

endmodule

`default_nettype wire
