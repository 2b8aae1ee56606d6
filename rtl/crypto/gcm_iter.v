// SPDX-License-Identifier: Apache-2.0
//
// gcm_iter: AES-256-GCM of one SPDM record at a time, small: 16 bytes in 17 cycles.
//
// Key, IV and AAD are taken at the start and forgotten when the tag is taken, or at a fault. Of the payload,
// ceil(length / 4) beats go in and come out; then comes the tag. Compare a received tag with it in
// full before using anything that came out.

`default_nettype none

module gcm_iter #(
    parameter GHASH_DIGIT = 16  // bits of the GHASH multiplier used in a cycle
) (
    input wire clk,
    input wire rst,
    output wire fault, // misuse or an impossible state: secrets are gone, no tag comes, until reset

    // One record
    input  wire         start_valid,
    output wire         start_ready,
    input  wire [255:0] key,
    input  wire [ 95:0] iv,
    input  wire [ 47:0] aad,            // byte 0 in the most significant bits
    input  wire         start_decrypt,
    input  wire [ 15:0] start_len,      // bytes of payload

    // Payload, byte 0 in the least significant bits; tlast on the last beat of the record.
    // tkeep must cover the bytes that count, more is ignored
    input  wire [31:0] s_axis_tdata,
    input  wire [ 3:0] s_axis_tkeep,
    input  wire        s_axis_tvalid,
    output wire        s_axis_tready,
    input  wire        s_axis_tlast,

    // Result, bytes without tkeep are zero
    output wire [31:0] m_axis_tdata,
    output wire [ 3:0] m_axis_tkeep,
    output wire        m_axis_tvalid,
    input  wire        m_axis_tready,
    output wire        m_axis_tlast,

    // Byte 0 in the most significant bits
    output wire         tag_valid,
    input  wire         tag_ready,
    output wire [127:0] tag
);

  // Hamming distance of at least 3 between any two.
  localparam [6:0] ST_IDLE = 7'b0000111;
  localparam [6:0] ST_AAD = 7'b0011001;
  localparam [6:0] ST_DATA = 7'b0101010;
  localparam [6:0] ST_LEN = 7'b0110100;
  localparam [6:0] ST_HASH = 7'b1001011;
  localparam [6:0] ST_TAG = 7'b1010101;
  localparam [6:0] ST_FAULT = 7'b1111111;

  localparam [31:0] FIRST_COUNT = 32'd2;
  localparam [63:0] AAD_BITS = 64'd48;

  // What the cipher works on: H, the mask of the tag, then key stream.
  localparam [1:0] WORK_H = 2'd0;
  localparam [1:0] WORK_MASK = 2'd1;
  localparam [1:0] WORK_STREAM = 2'd2;

  function automatic [31:0] turn(input reg [31:0] a);
    turn = {a[7:0], a[15:8], a[23:16], a[31:24]};
  endfunction

  reg  [  6:0] state_q;
  reg  [  6:0] state_d;
  wire         idle = state_q == ST_IDLE;
  wire         start = start_valid && start_ready;
  wire         forget = state_d == ST_IDLE || state_d == ST_FAULT;

  reg  [255:0] key_q;
  reg  [ 95:0] iv_q;
  reg  [ 47:0] aad_q;
  reg          decrypt_q;
  reg  [ 15:0] len_q;
  reg  [ 15:0] left_q;  // bytes of payload not yet seen

  // ------------------------------------------------------------------ cipher

  reg  [  1:0] work_q;
  reg  [ 12:0] count_q;  // blocks of key stream made or at work
  reg  [127:0] h_q;
  reg  [127:0] mask_q;
  reg          next_valid_q;
  reg  [127:0] next_q;  // key stream of the next block
  reg  [  2:0] words_q;  // words left in stream_q
  reg  [127:0] stream_q;

  wire         aes_ready;
  wire         aes_done;
  wire [127:0] aes_result;
  wire         stream_due = next_valid_q && words_q == 3'd0;
  wire [ 12:0] len_up = {1'b0, len_q[15:4]} + {12'd0, len_q[3:0] != 4'd0};
  wire         more = count_q != len_up;
  wire         wanted = work_q != WORK_STREAM || (more && !next_valid_q);
  wire         aes_start = !idle && state_q != ST_FAULT && aes_ready && wanted;
  wire [ 31:0] count = {19'd0, count_q} + FIRST_COUNT;

  aes256_iter u_aes (
      .clk   (clk),
      .rst   (rst || state_q == ST_FAULT),
      .start (aes_start),
      .ready (aes_ready),
      .key   (key_q),
      .block (work_q == WORK_H ? 128'd0 : {iv_q, work_q == WORK_MASK ? 32'd1 : count}),
      .done  (aes_done),
      .result(aes_result)
  );

  always @(posedge clk) begin
    if (rst || forget) begin
      work_q       <= WORK_H;
      count_q      <= 13'd0;
      h_q          <= 128'd0;
      mask_q       <= 128'd0;
      next_valid_q <= 1'b0;
      next_q       <= 128'd0;
    end else begin
      if (aes_start && work_q == WORK_STREAM) count_q <= count_q + 13'd1;
      if (aes_done) begin
        case (work_q)
          WORK_H: begin
            h_q    <= aes_result;
            work_q <= WORK_MASK;
          end
          WORK_MASK: begin
            mask_q <= aes_result;
            work_q <= WORK_STREAM;
          end
          default: begin
            next_q       <= aes_result;
            next_valid_q <= 1'b1;
          end
        endcase
      end else if (stream_due) begin
        next_q       <= 128'd0;
        next_valid_q <= 1'b0;
      end
    end
  end

  // ------------------------------------------------------------------ payload

  reg [1:0] place_q;  // of the next word in the block for GHASH
  reg full_q;  // block_q waits for GHASH
  reg [127:0] block_q;

  wire skid_ready;
  wire hash_valid;
  wire hash_ready;
  wire hash_take = hash_valid && hash_ready;

  wire last_word = left_q <= 16'd4;
  wire [3:0] keep = last_word ? ~(4'b1111 << left_q[2:0]) : 4'b1111;
  wire [31:0] mask = {{8{keep[0]}}, {8{keep[1]}}, {8{keep[2]}}, {8{keep[3]}}};
  wire         data_ready = state_q == ST_DATA && left_q != 16'd0 && words_q != 3'd0 &&
      skid_ready && !full_q;
  wire word = s_axis_tvalid && data_ready;
  wire misuse = word && (s_axis_tlast != last_word || (keep & ~s_axis_tkeep) != 4'd0);
  wire pass = word && !misuse;
  wire [31:0] word_in = turn(s_axis_tdata) & mask;
  wire [31:0] word_out = word_in ^ (stream_q[127:96] & mask);

  always @(posedge clk) begin
    if (rst || forget) begin
      words_q  <= 3'd0;
      stream_q <= 128'd0;
      place_q  <= 2'd0;
      full_q   <= 1'b0;
      block_q  <= 128'd0;
    end else begin
      if (pass) begin
        words_q  <= words_q - 3'd1;
        stream_q <= {stream_q[95:0], 32'd0};
        place_q  <= place_q + 2'd1;
        full_q   <= last_word || &place_q;
        case (place_q)
          2'd0: block_q[127:96] <= decrypt_q ? word_in : word_out;
          2'd1: block_q[95:64] <= decrypt_q ? word_in : word_out;
          2'd2: block_q[63:32] <= decrypt_q ? word_in : word_out;
          default: block_q[31:0] <= decrypt_q ? word_in : word_out;
        endcase
      end else begin
        if (stream_due) begin
          words_q  <= 3'd4;
          stream_q <= next_q;
        end
        if (hash_take && full_q) begin
          full_q  <= 1'b0;
          block_q <= 128'd0;
        end
      end
    end
  end

  skid_buffer #(
      .W(37)
  ) u_skid (
      .clk    (clk),
      .rst    (rst),
      .s_valid(pass),
      .s_ready(skid_ready),
      .s_data ({last_word, keep, turn(word_out)}),
      .m_valid(m_axis_tvalid),
      .m_ready(m_axis_tready),
      .m_data ({m_axis_tlast, m_axis_tkeep, m_axis_tdata})
  );

  // ------------------------------------------------------------------ GHASH and tag

  wire [127:0] acc;
  reg  [127:0] hash_block;

  always @* begin
    case (state_q)
      ST_AAD:  hash_block = {aad_q, 80'd0};
      ST_DATA: hash_block = block_q;
      default: hash_block = {AAD_BITS, 45'd0, len_q, 3'd0};
    endcase
  end

  assign hash_valid = (state_q == ST_AAD && work_q != WORK_H) || (state_q == ST_DATA && full_q) ||
      state_q == ST_LEN;

  ghash_serial #(
      .DIGIT(GHASH_DIGIT)
  ) u_ghash (
      .clk        (clk),
      .rst        (rst),
      .clear      (forget),
      .init       (state_q == ST_AAD),
      .h          (h_q),
      .block_valid(hash_valid),
      .block_ready(hash_ready),
      .block      (hash_block),
      .acc        (acc)
  );

  // ------------------------------------------------------------------ one record

  always @* begin
    state_d = state_q;
    case (state_q)
      ST_IDLE: if (start) state_d = ST_AAD;
      ST_AAD:  if (hash_take) state_d = len_q != 16'd0 ? ST_DATA : ST_LEN;
      ST_DATA: if (hash_take && left_q == 16'd0) state_d = ST_LEN;
      ST_LEN:  if (hash_take) state_d = ST_HASH;
      ST_HASH: if (hash_ready && work_q == WORK_STREAM) state_d = ST_TAG;
      ST_TAG:  if (tag_ready) state_d = ST_IDLE;
      default: state_d = ST_FAULT;
    endcase
    if (misuse) state_d = ST_FAULT;
  end

  always @(posedge clk) begin
    if (rst) state_q <= ST_IDLE;
    else state_q <= state_d;
  end

  always @(posedge clk) begin
    if (rst || forget) begin
      key_q     <= 256'd0;
      iv_q      <= 96'd0;
      aad_q     <= 48'd0;
      decrypt_q <= 1'b0;
      len_q     <= 16'd0;
      left_q    <= 16'd0;
    end else if (start) begin
      key_q     <= key;
      iv_q      <= iv;
      aad_q     <= aad;
      decrypt_q <= start_decrypt;
      len_q     <= start_len;
      left_q    <= start_len;
    end else if (pass) begin
      left_q <= last_word ? 16'd0 : left_q - 16'd4;
    end
  end

  assign start_ready   = idle;
  assign s_axis_tready = data_ready;
  assign tag_valid     = state_q == ST_TAG;
  assign tag           = tag_valid ? acc ^ mask_q : 128'd0;
  assign fault         = state_q == ST_FAULT;

endmodule

`default_nettype wire
