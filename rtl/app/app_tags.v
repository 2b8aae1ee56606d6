// SPDX-License-Identifier: Apache-2.0
//
// app_tags: outstanding reads of all functions.
//
// A tag is {TDI, slot}: each function has four of its own, so no Completion can ever find the
// request of another function. A tag whose function was stopped, aborted or changed state while it
// was out is dead: its data is discarded (TDISP-DMA-004). A tag that timed out is in quarantine: it
// is not given out again before its late Completion came or a long time passed (TDISP-DMA-005).

`default_nettype none

module app_tags #(
    parameter NUM_TDI     = 4,
    parameter TDI_W       = 2,
    parameter STREAM_W    = 1,
    parameter CPL_TIMEOUT = 100000  // cycles; quarantine lasts eight times as long
) (
    input wire clk,
    input wire rst,

    input wire [NUM_TDI-1:0] kill,  // requests of the function belong to the past

    // Giving out: the lowest free slot of each function
    output wire [  NUM_TDI-1:0] free_valid,
    output wire [2*NUM_TDI-1:0] free_slot,
    input  wire                 alloc_req,
    input  wire [    TDI_W+1:0] alloc_tag,
    input  wire                 alloc_dead,    // the transfer it belongs to was aborted
    input  wire                 alloc_ide,     // sent with T = 1 on alloc_stream
    input  wire [ STREAM_W-1:0] alloc_stream,
    input  wire [         10:0] alloc_count,   // DWs
    input  wire [          9:0] alloc_dw,      // where they go in the memory page
    input  wire [          4:0] alloc_low,     // host address bits 6:2
    input  wire                 cancel_req,    // the request did not leave
    input  wire [    TDI_W+1:0] cancel_tag,

    // Completion in work: combinational look-up, and what it took
    input  wire [   TDI_W+1:0] look_tag,
    output wire                look_used,    // a Completion may come
    output wire                look_late,    // it timed out already
    output wire                look_dead,
    output wire                look_ide,
    output wire [STREAM_W-1:0] look_stream,
    output wire [        10:0] look_left,
    output wire [         9:0] look_dw,
    output wire [         4:0] look_low,
    input  wire                hold_valid,   // do not time out hold_tag now
    input  wire [   TDI_W+1:0] hold_tag,
    input  wire                take_req,
    input  wire                take_all,     // no further Completion will come
    input  wire [        10:0] take_count,   // of hold_tag

    output wire [NUM_TDI-1:0] waiting,       // reads of a transfer that is still wanted
    output wire [NUM_TDI-1:0] outstanding,   // reads that are not accounted for
    output wire [NUM_TDI-1:0] timeout_req,   // a wanted read was lost
    output wire               timeout_event  // any read was lost
);

  function automatic integer bits(input integer value);
    integer i;
    begin
      bits = 1;
      for (i = 1; i < 32; i = i + 1) if (value >> i != 0) bits = i + 1;
    end
  endfunction

  localparam NUM_TAGS = 4 * NUM_TDI;
  localparam TAG_W = TDI_W + 2;
  // Twice the longest age, so that the scan sees every age before the count wraps.
  localparam TIME_W = bits(8 * CPL_TIMEOUT + 2 * NUM_TAGS) + 1;
  localparam [TIME_W-1:0] LOST_AGE = CPL_TIMEOUT;
  localparam [TIME_W-1:0] FORGET_AGE = 8 * CPL_TIMEOUT;
  localparam [TAG_W:0] LAST_TAG = NUM_TAGS - 1;

  reg [NUM_TAGS-1:0] out_q;  // the request left
  reg [NUM_TAGS-1:0] late_q;  // and timed out
  reg [NUM_TAGS-1:0] dead_q;
  reg [NUM_TAGS-1:0] ide_q;
  reg [STREAM_W-1:0] stream_q[0:NUM_TAGS-1];
  reg [10:0] left_q[0:NUM_TAGS-1];
  reg [9:0] dw_q[0:NUM_TAGS-1];
  reg [4:0] low_q[0:NUM_TAGS-1];
  reg [TIME_W-1:0] stamp_q[0:NUM_TAGS-1];

  reg [TIME_W-1:0] now_q;
  reg [TAG_W-1:0] scan_q;
  integer i;

  wire [TIME_W-1:0] age = now_q - stamp_q[scan_q];
  wire scan_held = hold_valid && hold_tag == scan_q;
  wire lost = out_q[scan_q] && !late_q[scan_q] && !scan_held && age >= LOST_AGE;
  wire forget = out_q[scan_q] && late_q[scan_q] && !scan_held && age >= FORGET_AGE;
  wire take_last = take_all || left_q[hold_tag] == take_count;

  always @(posedge clk) begin
    if (rst) begin
      out_q  <= {NUM_TAGS{1'b0}};
      late_q <= {NUM_TAGS{1'b0}};
      dead_q <= {NUM_TAGS{1'b0}};
      now_q  <= {TIME_W{1'b0}};
      scan_q <= {TAG_W{1'b0}};
    end else begin
      now_q  <= now_q + 1'b1;
      scan_q <= {1'b0, scan_q} == LAST_TAG ? {TAG_W{1'b0}} : scan_q + 1'b1;
      if (lost) late_q[scan_q] <= 1'b1;
      if (forget) out_q[scan_q] <= 1'b0;
      if (cancel_req) out_q[cancel_tag] <= 1'b0;
      if (take_req && take_last) out_q[hold_tag] <= 1'b0;
      for (i = 0; i < NUM_TAGS; i = i + 1) if (kill[i/4]) dead_q[i] <= 1'b1;
      if (alloc_req) begin
        out_q[alloc_tag]  <= 1'b1;
        late_q[alloc_tag] <= 1'b0;
        dead_q[alloc_tag] <= alloc_dead || kill[alloc_tag[TAG_W-1:2]];
      end
    end
  end

  always @(posedge clk) begin
    if (lost) stamp_q[scan_q] <= now_q;
    if (take_req) begin
      left_q[hold_tag] <= left_q[hold_tag] - take_count;
      dw_q[hold_tag]   <= dw_q[hold_tag] + take_count[9:0];
      low_q[hold_tag]  <= low_q[hold_tag] + take_count[4:0];
    end
    if (alloc_req) begin
      ide_q[alloc_tag]    <= alloc_ide;
      stream_q[alloc_tag] <= alloc_stream;
      left_q[alloc_tag]   <= alloc_count;
      dw_q[alloc_tag]     <= alloc_dw;
      low_q[alloc_tag]    <= alloc_low;
      stamp_q[alloc_tag]  <= now_q;
    end
  end

  assign look_used   = out_q[look_tag];
  assign look_late   = late_q[look_tag];
  assign look_dead   = dead_q[look_tag];
  assign look_ide    = ide_q[look_tag];
  assign look_stream = stream_q[look_tag];
  assign look_left   = left_q[look_tag];
  assign look_dw     = dw_q[look_tag];
  assign look_low    = low_q[look_tag];

  genvar g;
  generate
    for (g = 0; g < NUM_TDI; g = g + 1) begin : g_tdi
      wire [3:0] used = out_q[4*g+:4];
      assign free_valid[g]     = ~&used;
      assign free_slot[2*g+:2] = !used[0] ? 2'd0 : !used[1] ? 2'd1 : !used[2] ? 2'd2 : 2'd3;
      assign outstanding[g]    = |(used & ~late_q[4*g+:4]);
      assign waiting[g]        = |(used & ~late_q[4*g+:4] & ~dead_q[4*g+:4]);
      assign timeout_req[g]    = lost && !dead_q[scan_q] && scan_q[TAG_W-1:2] == g;
    end
  endgenerate
  assign timeout_event = lost;

endmodule

`default_nettype wire
