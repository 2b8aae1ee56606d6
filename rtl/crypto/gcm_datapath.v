// SPDX-License-Identifier: Apache-2.0
//
// gcm_datapath: key stream, payload and AAD of one invocation after the other into result and tag.
//
// An invocation takes a cycle for each block of AAD, each block of payload and the lengths; the next
// one follows without a gap. GHASH runs over the input when decrypting, else over the result. A
// tlast in the wrong place stops everything until reset; what waits is then taken and dropped.

`default_nettype none

module gcm_datapath (
    input  wire clk,
    input  wire rst,
    input  wire halt,   // stop as for a fault
    output wire fault,
    output wire idle,

    // The next invocation and its H
    input  wire         item_valid,
    output wire         item_ready,
    input  wire [127:0] item_h,
    input  wire [255:0] item_aad,
    input  wire [  5:0] item_aad_len,
    input  wire         item_decrypt,
    input  wire [ 12:0] item_len,

    // Key stream: one block for each of payload, then one for the tag
    input  wire         ks_valid,
    output wire         ks_ready,
    input  wire [127:0] ks_data,

    input  wire [127:0] s_axis_tdata,
    input  wire         s_axis_tvalid,
    output wire         s_axis_tready,
    input  wire         s_axis_tlast,

    output wire [127:0] m_axis_tdata,
    output wire         m_axis_tvalid,
    input  wire         m_axis_tready,
    output wire         m_axis_tlast,

    output wire         tag_valid,
    input  wire         tag_ready,
    output wire [127:0] tag
);

  // Hamming distance 4.
  localparam [5:0] ST_IDLE = 6'b000111;
  localparam [5:0] ST_AAD = 6'b011001;
  localparam [5:0] ST_DATA = 6'b101010;
  localparam [5:0] ST_LEN = 6'b110100;
  localparam [5:0] ST_FAULT = 6'b111111;

  localparam [5:0] BLOCK_BYTES = 6'd16;

  // Byte 0 of a beat is its lowest, byte 0 of a block its highest.
  function automatic [127:0] turn(input reg [127:0] a);
    turn = {
      a[7:0],
      a[15:8],
      a[23:16],
      a[31:24],
      a[39:32],
      a[47:40],
      a[55:48],
      a[63:56],
      a[71:64],
      a[79:72],
      a[87:80],
      a[95:88],
      a[103:96],
      a[111:104],
      a[119:112],
      a[127:120]
    };
  endfunction

  // The first n bytes of a block.
  function automatic [127:0] byte_mask(input reg [4:0] n);
    reg [15:0] bytes;
    integer i;
    begin
      bytes = ~(16'hffff >> n);
      for (i = 0; i < 16; i = i + 1) byte_mask[8*i+:8] = {8{bytes[i]}};
    end
  endfunction

  function automatic [4:0] in_block(input reg [5:0] n);
    in_block = n > BLOCK_BYTES ? BLOCK_BYTES[4:0] : n[4:0];
  endfunction

  // --------------------------------------------------------------- the invocation at work

  reg  [  5:0] state_q;
  reg  [  5:0] state_d;
  reg          first_q;  // no block of it went to GHASH yet
  reg  [127:0] h_q;
  reg  [255:0] aad_q;
  reg          aad_two_q;  // two blocks of AAD are left
  reg  [  5:0] aad_len_q;
  reg          decrypt_q;
  reg  [ 12:0] len_q;
  reg  [ 12:0] left_q;  // bytes of payload not yet seen

  reg          tag_busy_q;  // a tag is on its way or waits
  wire         skid_ready;

  wire         tag_taken = tag_valid && tag_ready;
  wire         last_beat = left_q <= 13'd16;
  wire         run = !halt;
  wire         do_aad = run && state_q == ST_AAD;
  wire         data_ready = run && state_q == ST_DATA && ks_valid && skid_ready;
  wire         misplaced = data_ready && s_axis_tvalid && s_axis_tlast != last_beat;
  wire         do_data = data_ready && s_axis_tvalid && !misplaced;
  wire         do_len = run && state_q == ST_LEN && ks_valid && (!tag_busy_q || tag_taken);
  wire         load = item_valid && item_ready;

  wire [  5:0] after_start = item_aad_len != 6'd0 ? ST_AAD : item_len != 13'd0 ? ST_DATA : ST_LEN;

  always @* begin
    state_d = state_q;
    case (state_q)
      ST_IDLE: ;
      ST_AAD:  if (do_aad && !aad_two_q) state_d = left_q != 13'd0 ? ST_DATA : ST_LEN;
      ST_DATA: if (do_data && last_beat) state_d = ST_LEN;
      ST_LEN:  if (do_len) state_d = ST_IDLE;
      default: state_d = ST_FAULT;
    endcase
    if (load) state_d = after_start;
    if (misplaced || halt) state_d = ST_FAULT;
  end

  always @(posedge clk) begin
    if (rst) state_q <= ST_IDLE;
    else state_q <= state_d;
  end

  always @(posedge clk) begin
    if (load) begin
      first_q   <= 1'b1;
      aad_q     <= item_aad;
      aad_two_q <= item_aad_len > BLOCK_BYTES;
      aad_len_q <= item_aad_len;
      decrypt_q <= item_decrypt;
      len_q     <= item_len;
      left_q    <= item_len;
    end else begin
      if (do_aad || do_data) first_q <= 1'b0;
      if (do_aad) begin
        aad_q     <= {aad_q[127:0], 128'd0};
        aad_two_q <= 1'b0;
      end
      if (do_data) left_q <= last_beat ? 13'd0 : left_q - 13'd16;
    end
  end

  always @(posedge clk) begin
    if (rst || state_d == ST_IDLE || state_d == ST_FAULT) h_q <= 128'd0;
    else if (load) h_q <= item_h;
  end

  assign item_ready    = halt || state_q == ST_IDLE || do_len;
  assign ks_ready      = halt || do_data || do_len;
  assign s_axis_tready = data_ready;

  // --------------------------------------------------------------- payload

  wire [127:0] mask = byte_mask(last_beat ? left_q[4:0] : BLOCK_BYTES[4:0]);
  wire [127:0] plain_in = turn(s_axis_tdata) & mask;
  wire [127:0] result = plain_in ^ (ks_data & mask);

  skid_buffer #(
      .W(129)
  ) u_skid (
      .clk    (clk),
      .rst    (rst),
      .s_valid(do_data),
      .s_ready(skid_ready),
      .s_data ({last_beat, turn(result)}),
      .m_valid(m_axis_tvalid),
      .m_ready(m_axis_tready),
      .m_data ({m_axis_tlast, m_axis_tdata})
  );

  // --------------------------------------------------------------- GHASH, one cycle behind

  reg          hash_valid_q;
  reg          hash_init_q;
  reg  [127:0] hash_h_q;
  reg  [127:0] hash_block_q;
  reg          len_q2;  // GHASH takes the lengths
  reg          len_q3;  // GHASH is complete
  reg  [127:0] tag_mask_q;
  reg          tag_valid_q;
  reg  [127:0] tag_q;
  wire [127:0] acc;

  wire [  4:0] aad_bytes = in_block(aad_two_q ? BLOCK_BYTES : aad_rest(aad_len_q));

  // Bytes in the last block of AAD.
  function automatic [5:0] aad_rest(input reg [5:0] n);
    aad_rest = n > BLOCK_BYTES ? n - BLOCK_BYTES : n;
  endfunction

  always @(posedge clk) begin
    if (rst) begin
      hash_valid_q <= 1'b0;
      hash_init_q  <= 1'b0;
      hash_h_q     <= 128'd0;
      hash_block_q <= 128'd0;
    end else begin
      hash_valid_q <= do_aad || do_data || do_len;
      hash_init_q  <= first_q;
      hash_h_q     <= do_aad || do_data || do_len ? h_q : 128'd0;
      if (do_aad) hash_block_q <= aad_q[255:128] & byte_mask(aad_bytes);
      else if (do_data) hash_block_q <= decrypt_q ? plain_in : result;
      else hash_block_q <= {55'd0, aad_len_q, 3'd0, 48'd0, len_q, 3'd0};
    end
  end

  ghash u_ghash (
      .clk        (clk),
      .rst        (rst),
      .init       (hash_valid_q ? hash_init_q : len_q3),
      .h          (hash_h_q),
      .block_valid(hash_valid_q),
      .block      (hash_block_q),
      .acc        (acc)
  );

  always @(posedge clk) begin
    if (rst) begin
      len_q2      <= 1'b0;
      len_q3      <= 1'b0;
      tag_busy_q  <= 1'b0;
      tag_valid_q <= 1'b0;
      tag_mask_q  <= 128'd0;
      tag_q       <= 128'd0;
    end else begin
      len_q2 <= do_len;
      len_q3 <= len_q2;
      if (do_len) tag_busy_q <= 1'b1;
      else if (tag_taken) tag_busy_q <= 1'b0;
      if (do_len) tag_mask_q <= ks_data;
      else if (len_q3 || halt) tag_mask_q <= 128'd0;
      if (len_q3 && run) begin
        tag_valid_q <= 1'b1;
        tag_q       <= acc ^ tag_mask_q;
      end else if (tag_taken) begin
        tag_valid_q <= 1'b0;
        tag_q       <= 128'd0;
      end
    end
  end

  assign tag_valid = tag_valid_q;
  assign tag       = tag_q;
  assign idle      = state_q == ST_IDLE && !tag_busy_q;
  assign fault     = state_q == ST_FAULT;

endmodule

`default_nettype wire
