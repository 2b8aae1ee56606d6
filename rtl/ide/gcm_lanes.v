// SPDX-License-Identifier: Apache-2.0
//
// gcm_lanes: the GCM engine of one direction behind streams of the link's width.
//
// The engine takes 128 bits a cycle; a wider beat goes through it in parts.

`default_nettype none

module gcm_lanes #(
    parameter DATA_W  = 128,
    parameter NUM_CTX = 12,
    parameter CTX_W   = 4
) (
    input  wire clk,
    input  wire rst,
    output wire fault,

    input  wire             key_valid,
    output wire             key_ready,
    input  wire [CTX_W-1:0] key_ctx,
    input  wire [    255:0] key,

    input  wire             key_clear_valid,
    output wire             key_clear_ready,
    input  wire [CTX_W-1:0] key_clear_ctx,

    input  wire             start_valid,
    output wire             start_ready,
    input  wire [CTX_W-1:0] start_ctx,
    input  wire [     63:0] start_invocation,
    input  wire [     31:0] start_prefix,      // of IDE
    input  wire [     24:0] start_pasid,       // there is a PASID prefix, its bytes 1 to 3
    input  wire [    127:0] start_hdr,
    input  wire             start_decrypt,
    input  wire [     10:0] start_len,         // DWs of payload

    input  wire [   DATA_W-1:0] s_data,
    input  wire [DATA_W/32-1:0] s_keep,
    input  wire                 s_last,
    input  wire                 s_valid,
    output wire                 s_ready,

    output wire [DATA_W-1:0] m_data,
    output wire              m_last,
    output wire              m_valid,
    input  wire              m_ready,

    output wire         tag_valid,
    input  wire         tag_ready,
    output wire [127:0] tag
);

  // The fixed field of the IV: every sub-stream and direction has a key of its own (IDE-GCM-002).
  localparam [31:0] FIXED_FIELD = 32'd0;

  wire [127:0] in_data, out_data;
  wire in_last, in_valid, in_ready, out_last, out_valid, out_ready;
  wire busy;
  wire [191:0] aad;
  wire [5:0] aad_len;

  ide_aad u_aad (
      .prefix (start_prefix),
      .pasid  (start_pasid),
      .hdr    (start_hdr),
      .aad    (aad),
      .aad_len(aad_len)
  );

  beat_split #(
      .DATA_W(DATA_W)
  ) u_split (
      .clk    (clk),
      .rst    (rst),
      .s_data (s_data),
      .s_keep (s_keep),
      .s_last (s_last),
      .s_valid(s_valid),
      .s_ready(s_ready),
      .m_data (in_data),
      .m_last (in_last),
      .m_valid(in_valid),
      .m_ready(in_ready)
  );

  gcm_stream #(
      .DATA_W (128),
      .NUM_CTX(NUM_CTX),
      .CTX_W  (CTX_W)
  ) u_gcm (
      .clk            (clk),
      .rst            (rst),
      .busy           (busy),
      .fault          (fault),
      .key_valid      (key_valid),
      .key_ready      (key_ready),
      .key_ctx        (key_ctx),
      .key            (key),
      .key_clear_valid(key_clear_valid),
      .key_clear_ready(key_clear_ready),
      .key_clear_ctx  (key_clear_ctx),
      .start_valid    (start_valid),
      .start_ready    (start_ready),
      .start_ctx      (start_ctx),
      .start_iv       ({FIXED_FIELD, start_invocation}),
      .start_aad      ({aad, 64'd0}),
      .start_aad_len  (aad_len),
      .start_decrypt  (start_decrypt),
      .start_len      ({start_len, 2'b00}),
      .s_axis_tdata   (in_data),
      .s_axis_tvalid  (in_valid),
      .s_axis_tready  (in_ready),
      .s_axis_tlast   (in_last),
      .m_axis_tdata   (out_data),
      .m_axis_tvalid  (out_valid),
      .m_axis_tready  (out_ready),
      .m_axis_tlast   (out_last),
      .tag_valid      (tag_valid),
      .tag_ready      (tag_ready),
      .tag            (tag)
  );

  beat_join #(
      .DATA_W(DATA_W)
  ) u_join (
      .clk    (clk),
      .rst    (rst),
      .s_data (out_data),
      .s_last (out_last),
      .s_valid(out_valid),
      .s_ready(out_ready),
      .m_data (m_data),
      .m_last (m_last),
      .m_valid(m_valid),
      .m_ready(m_ready)
  );

  wire unused = &{1'b0, busy};

endmodule

`default_nettype wire
