// SPDX-License-Identifier: Apache-2.0
//
// ide_rx_judge: collects payload, MAC and header checks of a TLP and passes one verdict.
//
// The payload goes into the buffer first and counts only once it is committed, so nothing is
// released before every check has passed (IDE-GCM-008). IDE Sync and IDE Fail end here.

`default_nettype none
`include "ide_defs.vh"
`include "pcie_defs.vh"

module ide_rx_judge #(
    parameter DATA_W = 128,
    parameter NUM_IDE_STREAMS = 2,
    parameter STREAM_W = 1
) (
    input  wire clk,
    input  wire rst,
    output wire fault,

    // Streams
    input wire [  NUM_IDE_STREAMS-1:0] enable,
    input wire [8*NUM_IDE_STREAMS-1:0] stream_id,
    input wire [  NUM_IDE_STREAMS-1:0] secure,
    input wire [3*NUM_IDE_STREAMS-1:0] active_set,

    // Job in front
    input  wire                job_valid,
    output wire                job_ready,
    input  wire                job_ide,
    input  wire                job_matched,
    input  wire [STREAM_W-1:0] job_stream,
    input  wire                job_on_stream,
    input  wire                job_stream_dead,
    input  wire                job_gcm,
    input  wire                job_key_dead,
    input  wire                job_bad,
    input  wire [        31:0] job_prefix,
    input  wire [       127:0] job_hdr,
    input  wire [        10:0] job_len,

    // Payload of a plain TLP, and of an IDE TLP from the engine
    input  wire [DATA_W-1:0] plain_data,
    input  wire              plain_last,
    input  wire              plain_valid,
    output wire              plain_ready,
    input  wire [DATA_W-1:0] gcm_data,
    input  wire              gcm_last,
    input  wire              gcm_valid,
    output wire              gcm_ready,
    input  wire              tag_valid,
    output wire              tag_ready,
    input  wire [     127:0] tag,

    // End of the TLP from the parser
    input  wire        end_valid,
    output wire        end_ready,
    input  wire        end_malformed,
    input  wire [95:0] end_mac,

    // Buffer
    output wire                write_valid,
    input  wire                write_ready,
    output wire [  DATA_W-1:0] write_data,
    output wire                commit_valid,
    input  wire                commit_ready,
    output wire                commit_drop,   // forget what was written
    output wire [       127:0] commit_hdr,
    output wire [        10:0] commit_len,
    output wire                commit_ide,
    output wire                commit_t,
    output wire [STREAM_W-1:0] commit_stream,

    // Verdicts, one-cycle pulses
    output wire [NUM_IDE_STREAMS-1:0] check_failed,
    output wire [NUM_IDE_STREAMS-1:0] fail_received,
    output wire [NUM_IDE_STREAMS-1:0] toggle,
    output wire [                1:0] toggle_sub,
    output wire                       aer_check_failed,
    output wire                       aer_misrouted,
    output wire                       aer_malformed
);

  // Bytes of the header that the two messages use, as lowest bit
  localparam CODE_BIT = 64;
  localparam NPR_BIT = 8 * (15 - `IDE_SYNC_BYTE_NPR_COUNTER);
  localparam CPL_BIT = 8 * (15 - `IDE_SYNC_BYTE_CPL_COUNTER);
  localparam FAIL_BIT = 8 * (15 - `IDE_FAIL_BYTE_STREAM_ID);
  localparam MAC_BIT = 32;  // the MAC is the first part of the tag (IDE-GCM-001)

  // Hamming distance 4
  localparam [5:0] ST_DATA = 6'b000111;
  localparam [5:0] ST_END = 6'b011001;
  localparam [5:0] ST_JUDGE = 6'b101010;

  reg [5:0] state_q, state_d;
  reg mac_wrong_q, malformed_q;

  wire with_data = job_len != 11'd0 && (job_gcm || !job_ide);

  // ----------------------------------------------------------------- payload

  wire take_data = state_q == ST_DATA && job_valid && with_data;
  wire from_gcm = take_data && job_gcm;
  wire from_plain = take_data && !job_gcm;
  wire data_done = write_valid && write_ready && (job_gcm ? gcm_last : plain_last);

  assign write_valid = from_gcm ? gcm_valid : from_plain && plain_valid;
  assign write_data  = job_gcm ? gcm_data : plain_data;
  assign gcm_ready   = from_gcm && write_ready;
  assign plain_ready = from_plain && write_ready;

  // ----------------------------------------------------------------- end and MAC

  wire take_end = state_q == ST_END && end_valid && (!job_gcm || tag_valid);
  assign end_ready = take_end;
  assign tag_ready = take_end && job_gcm;

  always @(posedge clk) begin
    if (take_end) begin
      mac_wrong_q <= tag[127:MAC_BIT] != end_mac;
      malformed_q <= end_malformed;
    end
  end

  // ----------------------------------------------------------------- verdict

  wire [7:0] fmt_type = job_hdr[127:120];
  wire message = fmt_type == `PCIE_TYPE_MSG_ID || fmt_type == `PCIE_TYPE_MSG_LOCAL;
  wire is_sync = message && job_hdr[CODE_BIT+:8] == `PCIE_MSG_IDE_SYNC;
  wire is_fail = message && job_hdr[CODE_BIT+:8] == `PCIE_MSG_IDE_FAIL;
  wire [7:0] field = job_prefix[23:16];
  wire [1:0] sub_stream = job_prefix[`IDE_PREFIX_BIT_SUB_STREAM+:2];
  wire prefix_k = job_prefix[`IDE_PREFIX_BIT_K];
  wire counters_legal;

  wire judge = state_q == ST_JUDGE && commit_ready;
  wire live = job_ide && job_matched && job_on_stream && !job_stream_dead && secure[job_stream];
  wire failed = !job_gcm || job_bad || job_key_dead || mac_wrong_q || !counters_legal;

  wire accept_ide = judge && live && !malformed_q && !failed;
  wire accept_plain = judge && !job_ide && !malformed_q;
  wire accept = accept_ide || accept_plain;
  wire reject = judge && live && (malformed_q || failed);
  wire [2:0] job_sets = active_set[3*job_stream+:3];

  ide_rx_counters #(
      .NUM_IDE_STREAMS(NUM_IDE_STREAMS),
      .STREAM_W       (STREAM_W)
  ) u_counters (
      .clk       (clk),
      .rst       (rst),
      .secure    (secure),
      .stream    (job_stream),
      .sub_stream(sub_stream),
      .sync      (is_sync),
      .npr_sent  (is_sync ? job_hdr[NPR_BIT+:8] : field),
      .cpl_sent  (is_sync ? job_hdr[CPL_BIT+:8] : field),
      .legal     (counters_legal),
      .accept    (accept_ide)
  );

  genvar g;
  generate
    for (g = 0; g < NUM_IDE_STREAMS; g = g + 1) begin : g_stream
      localparam [STREAM_W-1:0] INDEX = g;
      wire own = job_stream == INDEX;
      assign check_failed[g] = reject && own;
      assign toggle[g] = accept_ide && own && prefix_k != job_sets[sub_stream];
      // A stream that is not enabled here, or that does not exist, is not told.
      assign fail_received[g] = accept && is_fail && enable[g] &&
          stream_id[8*g+:8] == job_hdr[FAIL_BIT+:8];
    end
  endgenerate

  assign toggle_sub       = sub_stream;
  assign aer_malformed    = judge && malformed_q;
  assign aer_misrouted    = judge && !malformed_q && job_ide && !job_matched;
  assign aer_check_failed = reject && !malformed_q;

  assign commit_valid     = state_q == ST_JUDGE;
  assign commit_drop      = !accept || is_sync || is_fail;
  assign commit_hdr       = job_hdr;
  assign commit_len       = job_len;
  assign commit_ide       = job_ide;
  assign commit_t         = job_ide && job_prefix[`IDE_PREFIX_BIT_T];
  assign commit_stream    = job_stream;
  assign job_ready        = judge;

  always @* begin
    state_d = state_q;
    case (state_q)
      ST_DATA:  if (job_valid && (!with_data || data_done)) state_d = ST_END;
      ST_END:   if (take_end) state_d = ST_JUDGE;
      ST_JUDGE: if (judge) state_d = ST_DATA;
      default:  ;  // stays, and is a fault
    endcase
  end

  always @(posedge clk) begin
    if (rst) state_q <= ST_DATA;
    else state_q <= state_d;
  end

  wire unused = &{1'b0, job_prefix, tag};

  assign fault = state_q != ST_DATA && state_q != ST_END && state_q != ST_JUDGE;

endmodule

`default_nettype wire
