// SPDX-License-Identifier: Apache-2.0
//
// ide_rx_front: finds the stream of a received TLP, checks its header and starts its decryption.
//
// Nothing is reported here: what is found travels with the job, so that a header that fails takes
// as long as a MAC that fails (IDE-GCM-009). Only a TLP of a Secure stream meets a key.

`default_nettype none
`include "ide_defs.vh"

module ide_rx_front #(
    parameter NUM_IDE_STREAMS = 2,
    parameter STREAM_W = 1,
    parameter NUM_CTX = 12,
    parameter CTX_W = 4
) (
    input  wire clk,
    input  wire rst,
    output wire fault,

    // Streams
    input wire [  NUM_IDE_STREAMS-1:0] enable,
    input wire [8*NUM_IDE_STREAMS-1:0] stream_id,
    input wire [3*NUM_IDE_STREAMS-1:0] tc,
    input wire [  NUM_IDE_STREAMS-1:0] secure,
    input wire [3*NUM_IDE_STREAMS-1:0] active_set,  // of each sub-stream
    input wire [          NUM_CTX-1:0] key_ready,

    // Header from the parser
    input  wire         hdr_valid,
    output wire         hdr_ready,
    input  wire         hdr_ide,
    input  wire [ 31:0] hdr_prefix,
    input  wire [127:0] hdr,
    input  wire [ 10:0] hdr_len,
    input  wire         hdr_malformed,

    // Invocation counters
    output wire [CTX_W-1:0] read_ctx,
    input  wire [     63:0] read_invocation,
    input  wire             read_exhausted,

    // GCM engine
    output wire             start_valid,
    input  wire             start_ready,
    output wire [CTX_W-1:0] start_ctx,
    output wire [     63:0] start_invocation,
    output wire [     10:0] start_len,

    // Job for the judge and route for the payload; taken in the same cycle
    output wire                job_valid,
    input  wire                job_ready,
    output wire                job_ide,
    output wire                job_matched,      // an enabled stream has the Stream ID
    output wire [STREAM_W-1:0] job_stream,
    output wire                job_on_stream,    // the stream was Secure
    output wire                job_stream_dead,
    output wire                job_gcm,          // payload and MAC go through the engine
    output wire [   CTX_W-1:0] job_ctx,
    output wire                job_key_dead,
    output wire                job_bad,          // header check failed
    output wire [        31:0] job_prefix,
    output wire [       127:0] job_hdr,
    output wire [        10:0] job_len
);

  localparam TC_BIT = 116;

  // Hamming distance 4
  localparam [5:0] ST_IDLE = 6'b000111;
  localparam [5:0] ST_LOOK = 6'b011001;
  localparam [5:0] ST_START = 6'b101010;
  localparam [5:0] ST_PUSH = 6'b110100;

  reg [5:0] state_q, state_d;

  // ----------------------------------------------------------------- stream

  wire [7:0] prefix_id = hdr_prefix[15:8];
  reg look_matched, look_secure;
  reg [STREAM_W-1:0] look_stream;
  reg [2:0] look_tc, look_set;
  integer i;

  always @* begin
    look_matched = 1'b0;
    look_secure  = 1'b0;
    look_stream  = {STREAM_W{1'b0}};
    look_tc      = 3'd0;
    look_set     = 3'd0;
    for (i = NUM_IDE_STREAMS - 1; i >= 0; i = i - 1) begin
      if (hdr_ide && enable[i] && stream_id[8*i+:8] == prefix_id) begin
        look_matched = 1'b1;
        look_secure  = secure[i];
        look_stream  = i[STREAM_W-1:0];
        look_tc      = tc[3*i+:3];
        look_set     = active_set[3*i+:3];
      end
    end
  end

  // ----------------------------------------------------------------- header checks

  wire known, four_dw, with_data, permitted;
  wire [1:0] sub_stream;

  tlp_class u_class (
      .fmt_type  (hdr[127:120]),
      .known     (known),
      .four_dw   (four_dw),
      .with_data (with_data),
      .sub_stream(sub_stream),
      .permitted (permitted)
  );

  wire prefix_k = hdr_prefix[`IDE_PREFIX_BIT_K];
  wire [2:0] prefix_sub = hdr_prefix[`IDE_PREFIX_BIT_SUB_STREAM+:3];
  wire header_bad = prefix_sub != {1'b0, sub_stream} || !known || !permitted ||
      hdr[TC_BIT+:3] != look_tc ||
      !hdr_prefix[`IDE_PREFIX_BIT_M] || hdr_prefix[`IDE_PREFIX_BIT_P];

  // The key of the TLP; where it has none the key in use, only so that the time is the same.
  wire [CTX_W-1:0] stream_wide = {{(CTX_W - STREAM_W) {1'b0}}, look_stream};
  wire [CTX_W+1:0] sub_wide = {{CTX_W{1'b0}}, sub_stream};
  wire [CTX_W-1:0] base = (stream_wide << 2) + (stream_wide << 1) + {sub_wide[CTX_W-2:0], 1'b0};
  wire [CTX_W-1:0] named_ctx = base | {{(CTX_W - 1) {1'b0}}, prefix_k};
  wire [CTX_W-1:0] used_ctx = base | {{(CTX_W - 1) {1'b0}}, look_set[sub_stream]};

  reg matched_q, secure_q, bad_q, named_ready_q, used_ready_q;
  reg [STREAM_W-1:0] stream_q;
  reg [CTX_W-1:0] named_ctx_q, used_ctx_q;

  always @(posedge clk) begin
    if (state_q == ST_IDLE) begin
      matched_q     <= look_matched;
      secure_q      <= look_secure;
      stream_q      <= look_stream;
      bad_q         <= header_bad;
      named_ctx_q   <= named_ctx;
      used_ctx_q    <= used_ctx;
      named_ready_q <= key_ready[named_ctx];
      used_ready_q  <= key_ready[used_ctx];
    end
  end

  // ----------------------------------------------------------------- start

  assign read_ctx = named_ready_q ? named_ctx_q : used_ctx_q;

  wire stream_live = secure_q && secure[stream_q];
  wire key_live = (named_ready_q || used_ready_q) && key_ready[read_ctx];
  wire look_gcm = stream_live && key_live && !read_exhausted && !hdr_malformed;

  reg gcm_q, bad_q2, lost_stream_q, lost_key_q;
  reg [CTX_W-1:0] ctx_q;
  reg [63:0] invocation_q;

  always @(posedge clk) begin
    if (state_q == ST_LOOK) begin
      gcm_q         <= look_gcm;
      ctx_q         <= read_ctx;
      invocation_q  <= read_invocation;
      bad_q2        <= bad_q || !named_ready_q || !look_gcm;
      lost_stream_q <= secure_q && !stream_live;
      lost_key_q    <= 1'b0;
    end else begin
      lost_stream_q <= lost_stream_q || (secure_q && !secure[stream_q]);
      lost_key_q    <= lost_key_q || !key_ready[ctx_q];
    end
  end

  assign start_valid      = state_q == ST_START;
  assign start_ctx        = ctx_q;
  assign start_invocation = invocation_q;
  assign start_len        = hdr_len;

  assign job_valid        = state_q == ST_PUSH || (state_q == ST_START && start_ready);
  assign job_ide          = hdr_ide;
  assign job_matched      = matched_q;
  assign job_stream       = stream_q;
  assign job_on_stream    = secure_q;
  assign job_stream_dead  = lost_stream_q || !secure[stream_q];
  assign job_gcm          = gcm_q;
  assign job_ctx          = ctx_q;
  assign job_key_dead     = lost_key_q || !key_ready[ctx_q];
  assign job_bad          = bad_q2;
  assign job_prefix       = hdr_prefix;
  assign job_hdr          = hdr;
  assign job_len          = hdr_len;

  assign hdr_ready        = job_valid && job_ready;

  always @* begin
    state_d = state_q;
    case (state_q)
      ST_IDLE:  if (hdr_valid) state_d = ST_LOOK;
      ST_LOOK:  state_d = look_gcm ? ST_START : ST_PUSH;
      ST_START: if (start_ready) state_d = job_ready ? ST_IDLE : ST_PUSH;
      ST_PUSH:  if (job_ready) state_d = ST_IDLE;
      default:  ;  // stays, and is a fault
    endcase
  end

  always @(posedge clk) begin
    if (rst) state_q <= ST_IDLE;
    else state_q <= state_d;
  end

  assign fault = state_q != ST_IDLE && state_q != ST_LOOK && state_q != ST_START &&
      state_q != ST_PUSH;

  wire unused = &{1'b0, four_dw, with_data, sub_wide};

endmodule

`default_nettype wire
