// SPDX-License-Identifier: Apache-2.0
//
// gcm_stream: AES-256-GCM over TLPs of one direction, with a key per context.
//
// A start names context, IV, AAD and length; ceil(length / 16) beats in, as many out, then one tag.
// Key stream is made as soon as a start is accepted, so starts may run ahead of the payload; tags
// come in the order of starts. Key operations take effect between TLPs, in the order of handshakes:
// a start accepted earlier uses the old key, a later one the new key. Keys, H and key stream have
// no way out, and context memory and key stream store are zero before `busy` falls.

`default_nettype none

module gcm_stream #(
    parameter DATA_W = 128,
    parameter NUM_CTX = 8,  // keys held at a time
    parameter CTX_W = NUM_CTX > 1 ? $clog2(NUM_CTX) : 1
) (
    input  wire clk,
    input  wire rst,
    output wire busy,  // clearing the contexts after reset, nothing is accepted
    output wire fault, // misuse or an impossible state: keys are wiped, no tag comes, until reset

    // Key of a context, write only
    input  wire             key_valid,
    output wire             key_ready,
    input  wire [CTX_W-1:0] key_ctx,
    input  wire [    255:0] key,

    // Zero the round keys and H of a context; goes before a key that waits at the same time
    input  wire             key_clear_valid,
    output wire             key_clear_ready,
    input  wire [CTX_W-1:0] key_clear_ctx,

    // One GCM invocation
    input  wire             start_valid,
    output wire             start_ready,
    input  wire [CTX_W-1:0] start_ctx,
    input  wire [     95:0] start_iv,
    input  wire [    255:0] start_aad,      // byte 0 in the most significant bits
    input  wire [      5:0] start_aad_len,  // bytes, 0 to 32
    input  wire             start_decrypt,
    input  wire [     12:0] start_len,      // bytes of payload

    // Payload, byte 0 in the least significant bits; tlast on the last beat of the invocation
    input  wire [DATA_W-1:0] s_axis_tdata,
    input  wire              s_axis_tvalid,
    output wire              s_axis_tready,
    input  wire              s_axis_tlast,

    // Result, bytes beyond the length are zero
    output wire [DATA_W-1:0] m_axis_tdata,
    output wire              m_axis_tvalid,
    input  wire              m_axis_tready,
    output wire              m_axis_tlast,

    // One tag an invocation, byte 0 in the most significant bits
    output wire         tag_valid,
    input  wire         tag_ready,
    output wire [127:0] tag
);

  localparam KS_ADDR_W = 5;  // key stream store: more than the pipeline is long
  localparam ITEM_ADDR_W = 3;
  localparam ITEM_W = CTX_W + 256 + 6 + 1 + 13;

  generate
    if (DATA_W != 128) begin : g_check_data_w
      PARAM_ERROR_DATA_W_must_be_128 u_stop ();
    end
    if (NUM_CTX < 1 || (1 << CTX_W) < NUM_CTX) begin : g_check_ctx_w
      PARAM_ERROR_CTX_W_must_fit_NUM_CTX u_stop ();
    end
  endgenerate

  wire             hold;
  wire             rk_we;
  wire             rk_clear;
  wire [      3:0] rk_round;
  wire [    127:0] rk_data;
  wire             h_we;
  wire [    127:0] h_data;
  wire [CTX_W-1:0] write_ctx;
  wire             zero_valid;
  wire [CTX_W-1:0] zero_ctx;

  wire             count_ready;
  wire             count_idle;
  wire             count_valid;
  wire [CTX_W-1:0] count_ctx;
  wire [    127:0] count_block;

  wire             pipe_valid;
  wire [    127:0] pipe_block;
  wire             pipe_zero;

  wire             ks_valid;
  wire             ks_ready;
  wire [    127:0] ks_data;
  wire             ks_overflow;
  wire             ks_clean;

  wire             item_room;
  wire             item_valid;
  wire             item_ready;
  wire             item_clean;
  wire             item_empty;
  wire [CTX_W-1:0] item_ctx;
  wire [    255:0] item_aad;
  wire [      5:0] item_aad_len;
  wire             item_decrypt;
  wire [     12:0] item_len;
  wire [    127:0] item_h;

  wire             data_idle;
  wire             data_fault;
  wire             key_fault;

  // ----------------------------------------------------------------- fault, starts

  reg              fault_q;

  wire             start = start_valid && start_ready;
  wire             misuse = start && start_aad_len > 6'd32;

  always @(posedge clk) begin
    if (rst) fault_q <= 1'b0;
    else if (misuse || ks_overflow || data_fault || key_fault) fault_q <= 1'b1;
  end

  assign fault       = fault_q;
  assign start_ready = !hold && !fault_q && count_ready && item_room;

  // ----------------------------------------------------------------- keys

  gcm_key_ctrl #(
      .CTX_W(CTX_W)
  ) u_key_ctrl (
      .clk            (clk),
      .rst            (rst),
      .busy           (busy),
      .halt           (fault_q),
      .fault          (key_fault),
      .key_valid      (key_valid),
      .key_ready      (key_ready),
      .key_ctx        (key_ctx),
      .key            (key),
      .key_clear_valid(key_clear_valid),
      .key_clear_ready(key_clear_ready),
      .key_clear_ctx  (key_clear_ctx),
      .hold           (hold),
      .drained        (count_idle && item_empty && data_idle),
      .clean          (ks_clean && item_clean),
      .rk_we          (rk_we),
      .rk_clear       (rk_clear),
      .rk_round       (rk_round),
      .rk_data        (rk_data),
      .h_we           (h_we),
      .h_data         (h_data),
      .write_ctx      (write_ctx),
      .zero_valid     (zero_valid),
      .zero_ctx       (zero_ctx),
      .result_valid   (pipe_valid && pipe_zero),
      .result         (pipe_block)
  );

  secret_ram #(
      .DATA_W(128),
      .ADDR_W(CTX_W)
  ) u_h (
      .clk       (clk),
      .write_en  (h_we),
      .write_addr(write_ctx),
      .write_data(h_data),
      .read_en   (item_valid),
      .read_addr (item_ctx),
      .read_data (item_h)
  );

  // ----------------------------------------------------------------- key stream

  gcm_counter #(
      .CTX_W   (CTX_W),
      .CREDIT_W(KS_ADDR_W)
  ) u_counter (
      .clk        (clk),
      .rst        (rst),
      .start_valid(start),
      .start_ready(count_ready),
      .start_ctx  (start_ctx),
      .start_iv   (start_iv),
      .start_len  (start_len),
      .block_valid(count_valid),
      .block_ctx  (count_ctx),
      .block      (count_block),
      .taken      (ks_valid && ks_ready),
      .idle       (count_idle)
  );

  aes256_pipe #(
      .NUM_CTX(NUM_CTX),
      .CTX_W  (CTX_W),
      .USER_W (1)
  ) u_pipe (
      .clk      (clk),
      .rst      (rst),
      .rk_we    (rk_we),
      .rk_clear (rk_clear),
      .rk_ctx   (write_ctx),
      .rk_round (rk_round),
      .rk_data  (rk_data),
      .in_valid (count_valid || zero_valid),
      .in_ctx   (zero_valid ? zero_ctx : count_ctx),
      .in_block (zero_valid ? 128'd0 : count_block),
      .in_user  (zero_valid),
      .out_valid(pipe_valid),
      .out_block(pipe_block),
      .out_user (pipe_zero)
  );

  wire ks_room;
  wire ks_empty;

  secret_fifo #(
      .DATA_W(128),
      .ADDR_W(KS_ADDR_W)
  ) u_key_stream (
      .clk      (clk),
      .rst      (rst),
      .in_valid (pipe_valid && !pipe_zero),
      .in_ready (ks_room),
      .in_data  (pipe_block),
      .overflow (ks_overflow),
      .out_valid(ks_valid),
      .out_ready(ks_ready),
      .out_data (ks_data),
      .empty    (ks_empty),
      .clean    (ks_clean)
  );

  // ----------------------------------------------------------------- invocations in order

  wire item_out_valid;
  wire item_overflow;
  reg  item_known_q;  // H of the item in front is there

  secret_fifo #(
      .DATA_W(ITEM_W),
      .ADDR_W(ITEM_ADDR_W)
  ) u_items (
      .clk      (clk),
      .rst      (rst),
      .in_valid (start),
      .in_ready (item_room),
      .in_data  ({start_ctx, start_aad, start_aad_len, start_decrypt, start_len}),
      .overflow (item_overflow),
      .out_valid(item_valid),
      .out_ready(item_known_q && item_ready),
      .out_data ({item_ctx, item_aad, item_aad_len, item_decrypt, item_len}),
      .empty    (item_empty),
      .clean    (item_clean)
  );

  always @(posedge clk) begin
    if (rst) item_known_q <= 1'b0;
    else item_known_q <= item_valid && !(item_known_q && item_ready);
  end

  assign item_out_valid = item_valid && item_known_q;

  gcm_datapath u_datapath (
      .clk          (clk),
      .rst          (rst),
      .halt         (fault_q),
      .fault        (data_fault),
      .idle         (data_idle),
      .item_valid   (item_out_valid),
      .item_ready   (item_ready),
      .item_h       (item_h),
      .item_aad     (item_aad),
      .item_aad_len (item_aad_len),
      .item_decrypt (item_decrypt),
      .item_len     (item_len),
      .ks_valid     (ks_valid),
      .ks_ready     (ks_ready),
      .ks_data      (ks_data),
      .s_axis_tdata (s_axis_tdata),
      .s_axis_tvalid(s_axis_tvalid),
      .s_axis_tready(s_axis_tready),
      .s_axis_tlast (s_axis_tlast),
      .m_axis_tdata (m_axis_tdata),
      .m_axis_tvalid(m_axis_tvalid),
      .m_axis_tready(m_axis_tready),
      .m_axis_tlast (m_axis_tlast),
      .tag_valid    (tag_valid),
      .tag_ready    (tag_ready),
      .tag          (tag)
  );

  wire unused = &{1'b0, ks_room, ks_empty, item_overflow};

endmodule

`default_nettype wire
