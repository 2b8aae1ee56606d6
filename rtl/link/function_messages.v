// SPDX-License-Identifier: Apache-2.0
//
// function_messages: messages of the host that are for a function, and what is answered to them.
//
// An Invalidate Request waits in a queue, in the order of arrival, until its function uses the old
// translation no more; then its Completion leaves as the Request came, by the same stream with the
// same T or without IDE (TDISP-ATS-003). In clear it has the Traffic Class of the function's writes,
// so that it pushes them. The queue holds as many as one ITag can tell apart, which is what a Queue
// Depth of 0 promises: what a host may have open never stops other traffic. The answer to a function
// that is gone meanwhile is dropped.

`default_nettype none
`include "pcie_defs.vh"

module function_messages #(
    parameter NUM_TDI  = 4,
    parameter TDI_W    = 2,
    parameter STREAM_W = 1
) (
    input wire clk,
    input wire rst,

    input wire [       15:0] pf_rid,
    input wire [NUM_TDI-1:0] tdi_present,

    // Messages, which tlp_route has checked; their data tells nothing that is needed
    input  wire [       127:0] msgin_hdr,
    input  wire                msgin_tvalid,
    output wire                msgin_tready,
    input  wire                msgin_tlast,
    input  wire                msgin_ide,
    input  wire                msgin_t,
    input  wire [STREAM_W-1:0] msgin_stream,
    input  wire [   TDI_W-1:0] msgin_tdi,

    // To the function
    output wire             inval_valid,
    output wire [TDI_W-1:0] inval_tdi,
    input  wire             inval_done,   // nothing uses the old translation any more

    // Answers, one beat without data
    output wire [       127:0] msgout_hdr,
    output wire                msgout_tvalid,
    input  wire                msgout_tready,
    output wire                msgout_ide,
    output wire                msgout_t,
    output wire [STREAM_W-1:0] msgout_stream,
    output wire [   TDI_W-1:0] msgout_tdi
);

  localparam ITAGS = 32;
  localparam [2:0] COMPLETIONS = 3'd1;  // the function sends with one Traffic Class
  localparam WAY_W = 2 + STREAM_W + TDI_W;
  localparam QUEUE_W = WAY_W + 3 + 16 + 5;

  // ------------------------------------------------------------------ queue
  wire invalidate = msgin_hdr[71:64] == `PCIE_MSG_INVALIDATE_REQUEST;
  wire [2:0] traffic_class = msgin_ide ? msgin_hdr[118:116] : 3'd0;
  wire queue_ready, next_valid;
  wire [QUEUE_W-1:0] next;
  wire next_ide, next_t;
  wire [STREAM_W-1:0] next_stream;
  wire [TDI_W-1:0] next_tdi;
  wire [2:0] next_class;
  wire [15:0] next_host;
  wire [4:0] next_itag;
  wire unused_empty;

  assign msgin_tready = queue_ready;

  sync_fifo #(
      .W    (QUEUE_W),
      .DEPTH(ITAGS)
  ) u_queue (
      .clk(clk),
      .rst(rst),
      .s_valid(msgin_tvalid && msgin_tlast && invalidate),
      .s_ready(queue_ready),
      .s_data({
        msgin_ide,
        msgin_t,
        msgin_stream,
        msgin_tdi,
        traffic_class,
        msgin_hdr[95:80],
        msgin_hdr[76:72]
      }),
      .m_valid(next_valid),
      .m_ready(inval_done),
      .m_data(next),
      .empty(unused_empty)
  );

  assign {next_ide, next_t, next_stream, next_tdi, next_class, next_host, next_itag} = next;

  // ------------------------------------------------------------------ answer
  reg out_valid_q;
  reg [QUEUE_W-1:0] out_q;
  wire [2:0] out_class;
  wire [15:0] out_host;
  wire [4:0] out_itag;
  wire [15:0] out_rid = pf_rid + {{(16 - TDI_W) {1'b0}}, msgout_tdi};

  assign inval_valid = next_valid && !out_valid_q;
  assign inval_tdi   = next_tdi;

  always @(posedge clk) begin
    if (rst) out_valid_q <= 1'b0;
    else if (out_valid_q) out_valid_q <= !msgout_tready;
    else out_valid_q <= inval_done && tdi_present[next_tdi];
    if (!out_valid_q) out_q <= next;
  end

  assign {msgout_ide, msgout_t, msgout_stream, msgout_tdi, out_class, out_host, out_itag} = out_q;
  assign msgout_tvalid = out_valid_q;
  assign msgout_hdr = {
    `PCIE_TYPE_MSG_ID,
    1'b0,
    out_class,
    20'd0,
    out_rid,
    8'h00,
    `PCIE_MSG_INVALIDATE_COMPLETION,
    out_host,
    13'd0,
    COMPLETIONS,
    32'd1 << out_itag
  };

  wire unused = &{1'b0, msgin_hdr[127:119], msgin_hdr[115:96], msgin_hdr[79:77], msgin_hdr[63:0],
                  next_ide, next_t, next_stream, next_class, next_host, next_itag, unused_empty};

endmodule

`default_nettype wire
