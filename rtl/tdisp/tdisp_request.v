// SPDX-License-Identifier: Apache-2.0
//
// tdisp_request: takes a TDISP request from the byte stream apart.
//
// Bytes beyond the longest request are counted only, so that a wrong length is seen. Nothing is
// kept after `clear`: a request may hold a nonce.

`default_nettype none

module tdisp_request #(
    parameter SESSION_W = 2
) (
    input wire clk,
    input wire rst,
    input wire clear,
    input wire open,   // bytes are taken

    // Behind the protocol id
    input  wire [          7:0] tdisp_tdata,
    input  wire                 tdisp_tvalid,
    output wire                 tdisp_tready,
    input  wire                 tdisp_tlast,
    input  wire [SESSION_W-1:0] tdisp_session,

    output wire                 last_taken,      // pulse
    output wire [          6:0] count,           // bytes, at most 127
    output reg  [SESSION_W-1:0] session,
    output wire [          7:0] version,
    output wire [          7:0] code,
    output wire [         31:0] function_id,
    output wire [         63:0] reserved_id,     // the rest of INTERFACE_ID
    output wire [         15:0] lock_flags,
    output wire [          7:0] lock_stream_id,
    output wire [         63:0] lock_offset,
    output wire [         63:0] lock_mask,       // BIND_P2P_ADDRESS_MASK
    output wire [         15:0] report_offset,
    output wire [         15:0] report_length,
    output wire [        255:0] start_nonce,     // byte 0 on top
    output wire [          7:0] p2p_stream_id,
    output wire [        127:0] mmio_range,      // of SET_MMIO_ATTRIBUTE, byte 0 at the bottom
    output wire [         31:0] config_bits      // of SET_TDISP_CONFIG
);

  localparam [6:0] MOST_BYTES = 7'd48;  // START_INTERFACE_REQUEST
  localparam [6:0] COUNT_TOP = 7'h7f;

  reg [8*48-1:0] bytes_q;  // byte n in [8n+7:8n]
  reg [6:0] count_q;
  wire take = tdisp_tvalid && tdisp_tready;

  assign tdisp_tready = open;
  assign last_taken   = take && tdisp_tlast;
  assign count        = count_q;

  always @(posedge clk) begin
    if (rst || clear) begin
      bytes_q <= {8 * 48{1'b0}};
      count_q <= 7'd0;
      session <= {SESSION_W{1'b0}};
    end else if (take) begin
      if (count_q < MOST_BYTES) bytes_q[8*count_q+:8] <= tdisp_tdata;
      if (count_q != COUNT_TOP) count_q <= count_q + 7'd1;
      session <= tdisp_session;
    end
  end

  function automatic [255:0] top_first(input reg [255:0] value);
    integer n;
    begin
      for (n = 0; n < 32; n = n + 1) top_first[8*n+:8] = value[8*(31-n)+:8];
    end
  endfunction

  assign version        = bytes_q[7:0];
  assign code           = bytes_q[15:8];
  assign function_id    = bytes_q[63:32];
  assign reserved_id    = bytes_q[127:64];
  assign lock_flags     = bytes_q[143:128];
  assign lock_stream_id = bytes_q[151:144];
  assign lock_offset    = bytes_q[223:160];
  assign lock_mask      = bytes_q[287:224];
  assign report_offset  = bytes_q[143:128];
  assign report_length  = bytes_q[159:144];
  assign start_nonce    = top_first(bytes_q[383:128]);
  assign p2p_stream_id  = bytes_q[135:128];
  assign mmio_range     = bytes_q[255:128];
  assign config_bits    = bytes_q[159:128];

  // Reserved fields are ignored (TDISP-HDR-002).
  wire unused = &{1'b0, bytes_q[31:16]};

endmodule

`default_nettype wire
