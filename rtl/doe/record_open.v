// SPDX-License-Identifier: Apache-2.0
//
// record_open: takes a secured record apart and checks it (SEC-REC-001, SEC-REC-002).
//
// The plain text goes into the message RAM from its first byte on: the application length and the
// application data. Nothing of it counts before `opened`, which comes after the whole tag was
// compared. Each record ends with one pulse of opened, failed or unknown. When the cipher breaks
// down the rest of the record is taken and thrown away, and the record has failed.

`default_nettype none

module record_open #(
    parameter MAX_BYTES = 4608,  // room in the message RAM
    parameter SESSION_W = 2
) (
    input wire clk,
    input wire rst,

    // Payload of the object
    input  wire [7:0] payload_tdata,
    input  wire       payload_tvalid,
    output wire       payload_tready,
    input  wire       payload_tlast,
    input  wire       start,           // pulse: a record comes

    // Session
    output wire [         31:0] lookup_id,
    input  wire                 lookup_hit,
    input  wire [SESSION_W-1:0] lookup_idx,
    output reg  [SESSION_W-1:0] session_idx,
    input  wire                 use_valid,
    input  wire                 use_exhausted,
    output wire                 use_count,

    // Record cipher
    output wire         gcm_start_valid,
    input  wire         gcm_start_ready,
    output wire [ 15:0] gcm_start_len,
    output wire [ 47:0] gcm_aad,
    output wire [ 31:0] gcm_s_tdata,
    output wire [  3:0] gcm_s_tkeep,
    output wire         gcm_s_tvalid,
    input  wire         gcm_s_tready,
    output wire         gcm_s_tlast,
    input  wire         gcm_m_tvalid,
    input  wire         gcm_m_tlast,
    input  wire         gcm_tag_valid,
    output wire         gcm_tag_ready,
    input  wire [127:0] gcm_tag,
    input  wire         gcm_fault,        // the cipher has forgotten the record

    input wire [15:0] plain_length,  // first two bytes of the plain text, as the RAM took them

    output wire        opened,
    output wire        failed,   // the session is known, the record is not to be trusted
    output wire        unknown,  // no such session
    output wire [15:0] app_len   // bytes of application data, valid with opened
);

  localparam [9:0] ST_IDLE = 10'b0000000001;
  localparam [9:0] ST_HEADER = 10'b0000000010;
  localparam [9:0] ST_LOOKUP = 10'b0000000100;
  localparam [9:0] ST_START = 10'b0000001000;
  localparam [9:0] ST_CIPHER = 10'b0000010000;
  localparam [9:0] ST_TAG = 10'b0000100000;
  localparam [9:0] ST_REST = 10'b0001000000;
  localparam [9:0] ST_COMPARE = 10'b0010000000;
  localparam [9:0] ST_REFUSE = 10'b0100000000;
  localparam [9:0] ST_RESULT = 10'b1000000000;

  localparam [15:0] HEADER_BYTES = 16'd6;
  localparam [15:0] TAG_BYTES = 16'd16;
  localparam [15:0] LENGTH_BYTES = 16'd2;
  localparam [31:0] MOST = MAX_BYTES;
  localparam [15:0] MOST_CIPHER = MOST[15:0];
  localparam [15:0] MAX_PADDING = 16'd3;

  reg [9:0] state_q, state_d;
  reg [ 47:0] header_q;  // byte 0 on top
  reg [ 15:0] count_q;  // bytes left of the part that is being taken
  reg [127:0] tag_q;
  reg [ 31:0] word_q;
  reg [  3:0] word_keep_q;
  reg word_valid_q, word_last_q;
  reg ended_q;  // the object has no more bytes
  reg bad_q;  // the lengths do not fit
  reg match_q;
  reg started_q;  // the cipher works on this record and owes a tag
  reg [1:0] lane_q;

  wire [15:0] record_len = {header_q[7:0], header_q[15:8]};
  wire [15:0] cipher_len = record_len - TAG_BYTES;
  wire length_ok = record_len >= TAG_BYTES + LENGTH_BYTES && cipher_len <= MOST_CIPHER;

  // After the end of the object the missing bytes read as zero; the record fails then.
  wire wants_byte = state_q == ST_HEADER || state_q == ST_TAG
      || (state_q == ST_CIPHER && count_q != 16'd0 && !word_valid_q);
  wire byte_valid = wants_byte && (ended_q || payload_tvalid);
  wire [7:0] byte_data = ended_q ? 8'h00 : payload_tdata;
  wire drains = state_q == ST_REST || state_q == ST_REFUSE;
  wire payload_take = payload_tvalid && payload_tready;
  wire at_cipher = state_q == ST_START || state_q == ST_CIPHER || state_q == ST_TAG
      || state_q == ST_REST || state_q == ST_COMPARE;
  wire broken = gcm_fault && at_cipher;

  assign payload_tready  = !ended_q && (wants_byte || drains);

  assign lookup_id       = {header_q[23:16], header_q[31:24], header_q[39:32], header_q[47:40]};
  assign gcm_start_valid = state_q == ST_START;
  assign gcm_start_len   = cipher_len;
  assign gcm_aad         = header_q;
  assign gcm_s_tdata     = word_q;
  assign gcm_s_tkeep     = word_keep_q;
  assign gcm_s_tvalid    = word_valid_q;
  assign gcm_s_tlast     = word_last_q;
  assign gcm_tag_ready   = state_q == ST_COMPARE && gcm_tag_valid;
  assign use_count       = gcm_tag_ready;
  assign app_len         = plain_length;

  assign opened          = state_q == ST_RESULT && match_q && !bad_q;
  assign failed          = state_q == ST_RESULT && !(match_q && !bad_q);
  assign unknown         = state_q == ST_REFUSE && ended_q;

  reg  gcm_out_done_q;
  wire word_sent = word_valid_q && gcm_s_tready;

  always @* begin
    state_d = state_q;
    case (state_q)
      ST_IDLE: if (start) state_d = ST_HEADER;
      ST_HEADER: if (byte_valid && count_q == 16'd1) state_d = ST_LOOKUP;
      ST_LOOKUP: begin
        if (!lookup_hit) state_d = ST_REFUSE;
        else state_d = length_ok && !ended_q ? ST_START : ST_REST;
      end
      ST_START: begin
        if (!use_valid || use_exhausted) state_d = ST_REST;
        else if (gcm_start_ready) state_d = ST_CIPHER;
      end
      ST_CIPHER: if (count_q == 16'd0 && word_sent) state_d = ST_TAG;
      ST_TAG: if (byte_valid && count_q == 16'd1) state_d = ST_REST;
      ST_REST: if (ended_q) state_d = started_q ? ST_COMPARE : ST_RESULT;
      ST_COMPARE: if (gcm_tag_valid && gcm_out_done_q) state_d = ST_RESULT;
      ST_REFUSE: if (ended_q) state_d = ST_IDLE;
      ST_RESULT: state_d = ST_IDLE;
      default: state_d = ST_REFUSE;
    endcase
    if (broken) state_d = ST_REST;
  end

  always @(posedge clk) begin
    if (rst) state_q <= ST_IDLE;
    else state_q <= state_d;
  end

  always @(posedge clk) begin
    if (rst || start) begin
      ended_q        <= 1'b0;
      bad_q          <= 1'b0;
      match_q        <= 1'b0;
      started_q      <= 1'b0;
      gcm_out_done_q <= 1'b0;
    end else begin
      if (payload_take && payload_tlast) ended_q <= 1'b1;
      if (wants_byte && ended_q) bad_q <= 1'b1;
      if (state_q == ST_LOOKUP && !(length_ok && !ended_q)) bad_q <= 1'b1;
      if (state_q == ST_START && (!use_valid || use_exhausted)) bad_q <= 1'b1;
      if (state_q == ST_REST && payload_take && count_q == MAX_PADDING) bad_q <= 1'b1;
      if (broken) bad_q <= 1'b1;
      if (broken) started_q <= 1'b0;
      else if (gcm_start_valid && gcm_start_ready && state_d == ST_CIPHER) started_q <= 1'b1;
      if (gcm_m_tvalid && gcm_m_tlast) gcm_out_done_q <= 1'b1;
      if (state_q == ST_COMPARE && gcm_tag_ready) begin
        match_q <= gcm_tag == tag_q && plain_length == cipher_len - LENGTH_BYTES;
      end
    end
  end

  always @(posedge clk) begin
    if (rst) begin
      session_idx <= {SESSION_W{1'b0}};
    end else if (state_q == ST_LOOKUP) begin
      session_idx <= lookup_idx;
    end
  end

  always @(posedge clk) begin
    case (state_q)
      ST_IDLE: count_q <= HEADER_BYTES;
      ST_LOOKUP: count_q <= length_ok && !ended_q ? cipher_len : 16'd0;
      ST_HEADER, ST_TAG: if (byte_valid) count_q <= count_q - 16'd1;
      ST_CIPHER: begin
        if (byte_valid) count_q <= count_q - 16'd1;
        if (state_d == ST_TAG) count_q <= TAG_BYTES;
      end
      ST_REST: if (payload_take) count_q <= count_q + 16'd1;
      default: count_q <= count_q;
    endcase
  end

  always @(posedge clk) begin
    if (state_q == ST_HEADER && byte_valid) header_q <= {header_q[39:0], byte_data};
    if (state_q == ST_TAG && byte_valid) tag_q <= {tag_q[119:0], byte_data};
  end

  always @(posedge clk) begin
    if (rst || start) begin
      lane_q       <= 2'd0;
      word_valid_q <= 1'b0;
      word_last_q  <= 1'b0;
      word_keep_q  <= 4'h0;
    end else if (word_sent) begin
      lane_q       <= 2'd0;
      word_valid_q <= 1'b0;
      word_keep_q  <= 4'h0;
    end else if (state_q == ST_CIPHER && byte_valid) begin
      lane_q              <= lane_q + 2'd1;
      word_q[8*lane_q+:8] <= byte_data;
      word_keep_q[lane_q] <= 1'b1;
      word_valid_q        <= lane_q == 2'd3 || count_q == 16'd1;
      word_last_q         <= count_q == 16'd1;
    end
  end

endmodule

`default_nettype wire
