// SPDX-License-Identifier: Apache-2.0
//
// record_seal: makes a secured record of the message in the RAM (SEC-REC-001).
//
// The RAM holds application length and data from its first byte on. The record leaves as bytes.
// When the cipher breaks down what is left of the record leaves as zeros: its tag is wrong then.

`default_nettype none

module record_seal #(
    parameter ADDR_W = 11
) (
    input wire clk,
    input wire rst,

    input  wire        start,       // pulse; the other inputs hold until done
    input  wire [15:0] app_len,
    input  wire [31:0] session_id,
    output wire        done,        // pulse: the last byte has been taken
    output wire [15:0] record_len,  // bytes of the whole record

    // Message RAM
    output wire [ADDR_W-1:0] read_addr,
    input  wire [      31:0] read_data,

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
    input  wire [ 31:0] gcm_m_tdata,
    input  wire         gcm_m_tvalid,
    output wire         gcm_m_tready,
    input  wire         gcm_tag_valid,
    output wire         gcm_tag_ready,
    input  wire [127:0] gcm_tag,
    input  wire         gcm_fault,        // the cipher has forgotten the record
    output wire         use_count,

    output wire [7:0] answer_tdata,
    output wire       answer_tvalid,
    input  wire       answer_tready
);

  localparam [5:0] ST_IDLE = 6'b000111;
  localparam [5:0] ST_START = 6'b011001;
  localparam [5:0] ST_HEADER = 6'b101010;
  localparam [5:0] ST_CIPHER = 6'b110100;
  localparam [5:0] ST_TAG = 6'b011110;
  localparam [5:0] ST_DONE = 6'b101101;

  localparam [15:0] HEADER_BYTES = 16'd6;
  localparam [15:0] TAG_BYTES = 16'd16;
  localparam [15:0] LENGTH_BYTES = 16'd2;

  reg [5:0] state_q, state_d;
  reg [15:0] left_q;  // bytes left of the part that goes out
  reg [47:0] header_q;
  reg [127:0] tag_q;
  reg tag_taken_q;
  reg broken_q;
  reg [1:0] lane_q;

  wire [15:0] plain_len = app_len + LENGTH_BYTES;
  wire [15:0] body_len = plain_len + TAG_BYTES;
  wire answer_take = answer_tvalid && answer_tready;

  assign record_len = body_len + HEADER_BYTES;
  assign gcm_start_valid = state_q == ST_START;
  assign gcm_start_len = plain_len;
  assign gcm_aad = {
    session_id[7:0],
    session_id[15:8],
    session_id[23:16],
    session_id[31:24],
    body_len[7:0],
    body_len[15:8]
  };
  assign done = state_q == ST_DONE;

  // ---------------------------------------------------------------- RAM to cipher
  reg [ADDR_W-1:0] addr_q;
  reg [15:0] feed_q;  // bytes still to be fed
  reg data_valid_q;  // read_data holds the word at addr_q

  assign read_addr    = addr_q;
  assign gcm_s_tdata  = read_data;
  assign gcm_s_tvalid = data_valid_q && feed_q != 16'd0 && !broken_q;
  assign gcm_s_tlast  = feed_q <= 16'd4;
  assign gcm_s_tkeep  = feed_q >= 16'd4 ? 4'hf : (4'h1 << feed_q[1:0]) - 4'h1;

  always @(posedge clk) begin
    if (rst || state_q == ST_IDLE) begin
      addr_q       <= {ADDR_W{1'b0}};
      data_valid_q <= 1'b0;
      feed_q       <= plain_len;
    end else if (state_q != ST_START) begin
      if (gcm_s_tvalid && gcm_s_tready) begin
        addr_q       <= addr_q + 1'b1;
        data_valid_q <= 1'b0;
        feed_q       <= feed_q <= 16'd4 ? 16'd0 : feed_q - 16'd4;
      end else begin
        data_valid_q <= 1'b1;
      end
    end
  end

  // ---------------------------------------------------------------- bytes out
  assign answer_tvalid = state_q == ST_HEADER ||
      (state_q == ST_CIPHER && (gcm_m_tvalid || broken_q)) ||
      (state_q == ST_TAG && (tag_taken_q || broken_q));
  assign answer_tdata = broken_q ? 8'h00 : state_q == ST_HEADER ? header_q[47:40]
      : state_q == ST_CIPHER ? gcm_m_tdata[8*lane_q+:8] : tag_q[127:120];
  assign gcm_m_tready = state_q == ST_CIPHER && answer_take && (lane_q == 2'd3 || left_q == 16'd1);
  assign gcm_tag_ready = state_q == ST_TAG && !tag_taken_q && !broken_q;
  assign use_count = gcm_tag_ready && gcm_tag_valid;

  always @* begin
    state_d = state_q;
    case (state_q)
      ST_IDLE: if (start) state_d = ST_START;
      ST_START: if (gcm_start_ready || broken_q) state_d = ST_HEADER;
      ST_HEADER: if (answer_take && left_q == 16'd1) state_d = ST_CIPHER;
      ST_CIPHER: if (answer_take && left_q == 16'd1) state_d = ST_TAG;
      ST_TAG: if (answer_take && left_q == 16'd1) state_d = ST_DONE;
      ST_DONE: state_d = ST_IDLE;
      default: state_d = ST_DONE;
    endcase
  end

  always @(posedge clk) begin
    if (rst) state_q <= ST_IDLE;
    else state_q <= state_d;
  end

  always @(posedge clk) begin
    if (rst || state_q == ST_IDLE) broken_q <= 1'b0;
    else if (gcm_fault) broken_q <= 1'b1;
  end

  always @(posedge clk) begin
    if (state_q == ST_START) begin
      left_q      <= HEADER_BYTES;
      header_q    <= gcm_aad;
      lane_q      <= 2'd0;
      tag_taken_q <= 1'b0;
    end else begin
      if (answer_take) begin
        left_q <= left_q - 16'd1;
        if (state_q == ST_HEADER) begin
          header_q <= {header_q[39:0], 8'h00};
          if (left_q == 16'd1) left_q <= plain_len;
        end
        if (state_q == ST_CIPHER) begin
          lane_q <= lane_q + 2'd1;
          if (left_q == 16'd1) left_q <= TAG_BYTES;
        end
        if (state_q == ST_TAG) tag_q <= {tag_q[119:0], 8'h00};
      end
      if (use_count) begin
        tag_taken_q <= 1'b1;
        tag_q       <= gcm_tag;
      end
    end
  end

endmodule

`default_nettype wire
