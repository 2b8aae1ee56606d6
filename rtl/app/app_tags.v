// SPDX-License-Identifier: Apache-2.0
//
// app_tags: outstanding reads of all functions.
//
// Tags are a pool; an entry knows its function, so no Completion ever reaches another one, and a
// function has at most four entries, so none takes the pool for itself. A tag whose function was
// stopped, aborted or changed state while it was out is dead: its data is discarded
// (TDISP-DMA-004). A tag that timed out is in quarantine: it is not given out again, to anybody,
// before its late Completion came or a long time passed (TDISP-DMA-005).

`default_nettype none

module app_tags #(
    parameter NUM_TDI     = 4,
    parameter TDI_W       = 2,
    parameter NUM_TAGS    = 16,
    parameter TAG_W       = 4,
    parameter STREAM_W    = 1,
    parameter CPL_TIMEOUT = 100000  // cycles; quarantine lasts eight times as long
) (
    input wire clk,
    input wire rst,

    input wire [NUM_TDI-1:0] kill,  // requests of the function belong to the past

    // Giving out
    output wire [ NUM_TDI-1:0] may_read,      // a tag is free, and the function has less than four
    output wire [   TAG_W-1:0] free_tag,      // stays free until it is given out
    input  wire                alloc_req,
    input  wire [   TAG_W-1:0] alloc_tag,
    input  wire [   TDI_W-1:0] alloc_tdi,
    input  wire                alloc_dead,    // the transfer it belongs to was aborted
    input  wire                alloc_ide,     // sent with T = 1 on alloc_stream
    input  wire [STREAM_W-1:0] alloc_stream,
    input  wire [        10:0] alloc_count,   // DWs
    input  wire [         9:0] alloc_dw,      // where they go in the memory page
    input  wire [         4:0] alloc_low,     // host address bits 6:2
    input  wire                alloc_asks,    // it is a Translation Request
    input  wire                alloc_uses,    // its address is a translated one

    // Translations
    input  wire [NUM_TDI-1:0] outdated,  // those being asked for are of no use
    output reg  [NUM_TDI-1:0] asking,    // one of use is awaited
    input  wire [  TDI_W-1:0] use_tdi,
    output reg                in_use,    // a request of use_tdi with a translated address is out

    // Completion in work: combinational look-up, and what it took
    input  wire [   TAG_W-1:0] look_tag,
    output wire                look_used,    // a Completion may come
    output wire                look_late,    // it timed out already
    output wire                look_dead,
    output wire [   TDI_W-1:0] look_tdi,
    output wire                look_asks,
    output wire                look_stale,   // what it asks for is of no use any more
    output wire                look_ide,
    output wire [STREAM_W-1:0] look_stream,
    output wire [        10:0] look_left,
    output wire [         9:0] look_dw,
    output wire [         4:0] look_low,
    input  wire                hold_valid,   // do not time out hold_tag or give it out now
    input  wire [   TAG_W-1:0] hold_tag,
    input  wire                take_req,
    input  wire                take_all,     // no further Completion will come
    input  wire [        10:0] take_count,   // of hold_tag

    output reg  [NUM_TDI-1:0] waiting,       // reads of a transfer that is still wanted
    output reg  [NUM_TDI-1:0] outstanding,   // reads that are not accounted for
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

  // Twice the longest age, so that the scan sees every age before the count wraps.
  localparam TIME_W = bits(8 * CPL_TIMEOUT + 2 * NUM_TAGS) + 1;
  localparam [31:0] LOST = CPL_TIMEOUT;
  localparam [31:0] FORGET = 8 * CPL_TIMEOUT;
  localparam [TIME_W-1:0] LOST_AGE = LOST[TIME_W-1:0];
  localparam [TIME_W-1:0] FORGET_AGE = FORGET[TIME_W-1:0];
  localparam [31:0] LAST = NUM_TAGS - 1;
  localparam [TAG_W:0] LAST_TAG = LAST[TAG_W:0];
  localparam [NUM_TAGS-1:0] TAG_ONE = 1;
  localparam [NUM_TDI-1:0] ONE = 1;
  localparam [2:0] LAST_OF_FUNCTION = 3'd3;  // entries that it had before

  reg [NUM_TAGS-1:0] out_q;  // the request left
  reg [NUM_TAGS-1:0] late_q;  // and timed out
  reg [NUM_TAGS-1:0] dead_q;
  reg [NUM_TAGS-1:0] ide_q;
  reg [NUM_TAGS-1:0] asks_q, uses_q, stale_q;
  reg [TDI_W-1:0] tdi_q[0:NUM_TAGS-1];
  reg [STREAM_W-1:0] stream_q[0:NUM_TAGS-1];
  reg [10:0] left_q[0:NUM_TAGS-1];
  reg [9:0] dw_q[0:NUM_TAGS-1];
  reg [4:0] low_q[0:NUM_TAGS-1];
  reg [TIME_W-1:0] stamp_q[0:NUM_TAGS-1];
  reg [NUM_TDI-1:0] full_q;  // functions with four entries

  reg [TIME_W-1:0] now_q;
  reg [TAG_W-1:0] scan_q;
  integer i, o, w, t;

  wire [TIME_W-1:0] age = now_q - stamp_q[scan_q];
  wire scan_held = hold_valid && hold_tag == scan_q;
  wire lost = out_q[scan_q] && !late_q[scan_q] && !scan_held && age >= LOST_AGE;
  wire forget = out_q[scan_q] && late_q[scan_q] && !scan_held && age >= FORGET_AGE;
  wire take_last = take_req && out_q[hold_tag] && (take_all || left_q[hold_tag] == take_count);

  // ------------------------------------------------------------------ free tags
  reg [TAG_W-1:0] given_q;  // given out last: a tag rests as long as it can
  wire free_any;
  wire [NUM_TAGS-1:0] held = hold_valid ? TAG_ONE << hold_tag : {NUM_TAGS{1'b0}};
  wire [NUM_TAGS-1:0] unused_grant;

  rotate_first #(
      .N(NUM_TAGS),
      .W(TAG_W)
  ) u_free (
      .request(~out_q & ~held),
      .last   (given_q),
      .any    (free_any),
      .idx    (free_tag),
      .grant  (unused_grant)
  );

  assign may_read = free_any ? ~full_q : {NUM_TDI{1'b0}};

  // ------------------------------------------------------------------ entries
  reg [2:0] owned;  // entries of alloc_tdi

  always @* begin
    owned = 3'd0;
    for (o = 0; o < NUM_TAGS; o = o + 1) begin
      if (out_q[o] && tdi_q[o] == alloc_tdi) owned = owned + 3'd1;
    end
  end

  always @(posedge clk) begin
    if (rst) begin
      out_q   <= {NUM_TAGS{1'b0}};
      late_q  <= {NUM_TAGS{1'b0}};
      dead_q  <= {NUM_TAGS{1'b0}};
      stale_q <= {NUM_TAGS{1'b0}};
      full_q  <= {NUM_TDI{1'b0}};
      given_q <= LAST_TAG[TAG_W-1:0];
      now_q   <= {TIME_W{1'b0}};
      scan_q  <= {TAG_W{1'b0}};
      for (i = 0; i < NUM_TAGS; i = i + 1) tdi_q[i] <= {TDI_W{1'b0}};
    end else begin
      now_q  <= now_q + 1'b1;
      scan_q <= {1'b0, scan_q} == LAST_TAG ? {TAG_W{1'b0}} : scan_q + 1'b1;
      for (i = 0; i < NUM_TAGS; i = i + 1) begin
        if (kill[tdi_q[i]]) dead_q[i] <= 1'b1;
        if (outdated[tdi_q[i]]) stale_q[i] <= 1'b1;
      end
      if (lost) late_q[scan_q] <= 1'b1;
      if (alloc_req) begin
        out_q[alloc_tag]   <= 1'b1;
        late_q[alloc_tag]  <= 1'b0;
        dead_q[alloc_tag]  <= alloc_dead || kill[alloc_tdi];
        stale_q[alloc_tag] <= outdated[alloc_tdi];
        tdi_q[alloc_tag]   <= alloc_tdi;
        given_q            <= alloc_tag;
        if (owned == LAST_OF_FUNCTION) full_q[alloc_tdi] <= 1'b1;
      end
      // An entry that is freed makes room, whatever was counted in the same cycle.
      if (forget) begin
        out_q[scan_q]         <= 1'b0;
        full_q[tdi_q[scan_q]] <= 1'b0;
      end
      if (take_last) begin
        out_q[hold_tag]         <= 1'b0;
        full_q[tdi_q[hold_tag]] <= 1'b0;
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
      asks_q[alloc_tag]   <= alloc_asks;
      uses_q[alloc_tag]   <= alloc_uses;
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
  assign look_tdi    = tdi_q[look_tag];
  assign look_asks   = asks_q[look_tag];
  assign look_stale  = stale_q[look_tag];
  assign look_ide    = ide_q[look_tag];
  assign look_stream = stream_q[look_tag];
  assign look_left   = left_q[look_tag];
  assign look_dw     = dw_q[look_tag];
  assign look_low    = low_q[look_tag];

  // Made from the entries, not counted: it cannot drift from them.
  always @* begin
    outstanding = {NUM_TDI{1'b0}};
    waiting     = {NUM_TDI{1'b0}};
    for (w = 0; w < NUM_TAGS; w = w + 1) begin
      if (out_q[w] && !late_q[w]) begin
        outstanding[tdi_q[w]] = 1'b1;
        if (!dead_q[w]) waiting[tdi_q[w]] = 1'b1;
      end
    end
  end

  always @* begin
    asking = {NUM_TDI{1'b0}};
    in_use = 1'b0;
    for (t = 0; t < NUM_TAGS; t = t + 1) begin
      if (out_q[t] && !late_q[t]) begin
        if (asks_q[t] && !dead_q[t] && !stale_q[t]) asking[tdi_q[t]] = 1'b1;
        if (uses_q[t] && tdi_q[t] == use_tdi) in_use = 1'b1;
      end
    end
  end

  assign timeout_req   = lost && !dead_q[scan_q] ? ONE << tdi_q[scan_q] : {NUM_TDI{1'b0}};
  assign timeout_event = lost;

  wire unused = &{1'b0, unused_grant};

endmodule

`default_nettype wire
