// SPDX-License-Identifier: Apache-2.0
//
// tlp_parser: takes a raw TLP apart into header, aligned payload and end.
//
// For each packet there is one header, then exactly as many payload beats as the header announces
// (with anything where the packet was too short), then one end. So nothing behind the parser can hang on a
// packet of a wrong length; the end says that it was malformed. The digest of a plain TLP is taken
// off and TD cleared. Prefixes are that of IDE and, with PASID_EN, behind it that of a PASID: any
// other makes the TLP malformed. While the link is down everything is dropped, an open packet ends
// malformed.

`default_nettype none
`include "ide_defs.vh"
`include "pcie_defs.vh"

module tlp_parser #(
    parameter DATA_W = 128,
    parameter MAX_PAYLOAD = 512,  // bytes
    parameter PASID_EN = 0
) (
    input  wire clk,
    input  wire rst,
    input  wire link_up,
    output wire fault,

    // Raw TLP from the link, wire byte order
    input  wire [  DATA_W-1:0] s_axis_tdata,
    input  wire [DATA_W/8-1:0] s_axis_tkeep,
    input  wire                s_axis_tvalid,
    output wire                s_axis_tready,
    input  wire                s_axis_tlast,

    // Header of the TLP
    output wire         hdr_valid,
    input  wire         hdr_ready,
    output wire         hdr_ide,       // has an IDE prefix
    output wire [ 31:0] hdr_prefix,    // byte 0 in the most significant bits
    output wire [ 24:0] hdr_pasid,     // there is a PASID prefix, its bytes 1 to 3
    output wire [127:0] hdr,
    output wire [ 10:0] hdr_len,       // DWs of payload that follow
    output wire         hdr_malformed, // no payload follows

    // Payload, aligned, bytes that are not part of it are zero
    output wire [   DATA_W-1:0] data,
    output wire [DATA_W/32-1:0] data_keep,
    output wire                 data_last,
    output wire                 data_valid,
    input  wire                 data_ready,

    // End of the TLP
    output wire        end_valid,
    input  wire        end_ready,
    output wire        end_malformed,
    output wire [95:0] end_mac         // the last three DWs, first byte in the top bits
);

  // The next TLPs are taken apart while the key stream of the first is being made.
  localparam DATA_DEPTH = 16;
  localparam END_DEPTH = 8;

  localparam LANES = DATA_W / 32;
  localparam LANE_W = LANES == 4 ? 2 : LANES == 8 ? 3 : 4;
  localparam [31:0] LANES_32 = LANES;
  localparam [LANE_W:0] ALL_LANES = LANES_32[LANE_W:0];
  localparam [12:0] LANES_13 = LANES_32[12:0];
  localparam [31:0] MAX_DW_32 = MAX_PAYLOAD / 4;
  localparam [10:0] MAX_DW = MAX_DW_32[10:0];
  localparam [10:0] FULL_LENGTH = 11'd1024;  // a Length field of 0
  localparam [12:0] COUNT_MAX = 13'h1fff;
  localparam [12:0] MAC_DW = 13'd3;

  // Bits of the header, byte 0 of the TLP in [127:120]
  localparam TD_BIT = 111;
  localparam LENGTH_BIT = 96;
  localparam [2:0] FMT_PREFIX = 3'b100;

  generate
    if (DATA_W != 128 && DATA_W != 256 && DATA_W != 512) begin : g_check_data_w
      PARAM_ERROR_DATA_W_must_be_128_256_or_512 u_stop ();
    end
    if (MAX_PAYLOAD < 128 || MAX_PAYLOAD > 4096 || MAX_PAYLOAD % 128 != 0) begin : g_check_payload
      PARAM_ERROR_MAX_PAYLOAD_must_be_128_to_4096 u_stop ();
    end
  endgenerate

  // DW of the wire as a big-endian number
  function automatic [31:0] turn(input reg [31:0] dw);
    turn = {dw[7:0], dw[15:8], dw[23:16], dw[31:24]};
  endfunction

  // ----------------------------------------------------------------- beats from the link

  wire in_valid;
  wire in_ready;
  wire in_last;
  wire [DATA_W-1:0] in_data;
  wire [DATA_W/8-1:0] in_keep;

  skid_buffer #(
      .W(DATA_W + DATA_W / 8 + 1)
  ) u_skid (
      .clk    (clk),
      .rst    (rst || !link_up),
      .s_valid(s_axis_tvalid),
      .s_ready(s_axis_tready),
      .s_data ({s_axis_tlast, s_axis_tkeep, s_axis_tdata}),
      .m_valid(in_valid),
      .m_ready(in_ready),
      .m_data ({in_last, in_keep, in_data})
  );

  // Whole DWs from lane 0 on, all of them but in the last beat
  reg [LANE_W:0] in_count;
  reg in_odd;
  reg [DATA_W-1:0] in_masked;
  integer i;

  always @* begin
    in_count  = {(LANE_W + 1) {1'b0}};
    in_odd    = 1'b0;
    in_masked = {DATA_W{1'b0}};
    for (i = 0; i < LANES; i = i + 1) begin
      if (&in_keep[4*i+:4]) begin
        if (in_count != i[LANE_W:0]) in_odd = 1'b1;
        in_count            = in_count + 1'b1;
        in_masked[32*i+:32] = in_data[32*i+:32];
      end else if (|in_keep[4*i+:4]) begin
        in_odd = 1'b1;
      end
    end
    if (in_count == {(LANE_W + 1) {1'b0}} || (!in_last && in_count != ALL_LANES)) in_odd = 1'b1;
  end

  // The beat behind the one at work
  reg nxt_valid_q, nxt_last_q, nxt_odd_q;
  reg [LANE_W:0] nxt_count_q;
  reg [DATA_W-1:0] nxt_q;
  reg open_q;  // a packet is open towards the link
  wire nxt_take;
  wire nxt_free = !nxt_valid_q || nxt_take;
  reg lost_q;  // the link was down since, and the packet has not been ended yet
  wire cut = open_q && (!link_up || lost_q);  // end the open packet

  assign in_ready = nxt_free && !cut;

  always @(posedge clk) begin
    if (rst) begin
      nxt_valid_q <= 1'b0;
      open_q      <= 1'b0;
      lost_q      <= 1'b0;
    end else begin
      lost_q <= cut && !nxt_free;
      if (nxt_free) nxt_valid_q <= cut || (link_up && in_valid);
      if (nxt_free && cut) open_q <= 1'b0;
      else if (nxt_free && link_up && in_valid) open_q <= !in_last;
    end
  end

  always @(posedge clk) begin
    if (nxt_free) begin
      nxt_q       <= cut ? {DATA_W{1'b0}} : in_masked;
      nxt_count_q <= cut ? {(LANE_W + 1) {1'b0}} : in_count;
      nxt_last_q  <= cut || in_last;
      nxt_odd_q   <= cut || in_odd;
    end
  end

  // ----------------------------------------------------------------- the beat at work

  // Hamming distance 4
  localparam [5:0] ST_IDLE = 6'b000111;
  localparam [5:0] ST_START = 6'b011001;
  localparam [5:0] ST_DATA = 6'b101010;
  localparam [5:0] ST_SKIP = 6'b110100;

  reg [5:0] state_q, state_d;
  reg cur_last_q;
  reg [LANE_W:0] cur_count_q;
  reg [DATA_W-1:0] cur_q;
  reg odd_q;
  reg [12:0] total_q;  // DWs of the packet up to the beat at work
  reg [95:0] tail_q;  // its last three, the oldest in the low bits

  wire window = cur_last_q || nxt_valid_q;  // the beat behind is known, if there is one
  wire load_first;
  wire load_next;
  wire load = load_first || load_next;
  assign nxt_take = load;

  wire [12:0] nxt_count_13 = {{(12 - LANE_W) {1'b0}}, nxt_count_q};
  wire [12:0] total_sum = total_q + nxt_count_13;
  wire [DATA_W+95:0] tail_in = {nxt_q, load_first ? 96'd0 : tail_q};

  always @(posedge clk) begin
    if (load) begin
      cur_q       <= nxt_q;
      cur_count_q <= nxt_count_q;
      cur_last_q  <= nxt_last_q;
      odd_q       <= nxt_odd_q || (odd_q && !load_first);
      tail_q      <= tail_in[32*nxt_count_q+:96];
      if (load_first) total_q <= nxt_count_13;
      else total_q <= total_sum < total_q || total_q == COUNT_MAX ? COUNT_MAX : total_sum;
    end
  end

  // ----------------------------------------------------------------- header

  // The first six DWs of the packet lie in the window.
  wire [2*DATA_W-1:0] both = {cur_last_q ? {DATA_W{1'b0}} : nxt_q, cur_q};
  wire start_ide = both[7:0] == `IDE_PREFIX && cur_count_q != {(LANE_W + 1) {1'b0}};
  wire [159:0] behind_ide = start_ide ? both[32+:160] : both[0+:160];
  wire start_pasid = PASID_EN != 0 && behind_ide[7:0] == `PCIE_PREFIX_PASID;
  wire [127:0] start_raw = start_pasid ? behind_ide[32+:128] : behind_ide[0+:128];
  wire start_other_prefix = start_raw[7:5] == FMT_PREFIX;
  wire start_known, start_four, start_with_data, start_permitted;
  wire [1:0] start_sub_stream;

  tlp_class u_class (
      .fmt_type  (start_raw[7:0]),
      .known     (start_known),
      .four_dw   (start_four),
      .with_data (start_with_data),
      .sub_stream(start_sub_stream),
      .permitted (start_permitted)
  );

  wire [127:0] start_hdr = {
    turn(start_raw[31:0]),
    turn(start_raw[63:32]),
    turn(start_raw[95:64]),
    start_four ? turn(start_raw[127:96]) : 32'd0
  };
  wire [31:0] start_prefix = turn(both[31:0]);
  wire [31:0] pasid_prefix = turn(behind_ide[31:0]);
  wire [2:0] start_size = 3'd3 + {2'b00, start_four} + {2'b00, start_ide} +
      {2'b00, start_pasid};  // DWs with prefixes
  wire [10:0] length_field = {1'b0, start_hdr[LENGTH_BIT+:10]};
  wire [10:0] start_length = length_field == 11'd0 ? FULL_LENGTH : length_field;
  wire [10:0] start_len = start_with_data ? start_length : 11'd0;
  wire start_td = start_hdr[TD_BIT];
  wire [12:0] available = {{(12 - LANE_W) {1'b0}}, cur_count_q} +
      (cur_last_q ? 13'd0 : nxt_count_13);
  wire start_malformed = start_other_prefix || !start_known || (start_ide && start_td) ||
      available < {10'd0, start_size} || start_len > MAX_DW;

  // A TLP without MAC, or with PCRC, is refused for that; its length does not matter then.
  wire start_any_length = start_ide &&
      (!start_prefix[`IDE_PREFIX_BIT_M] || start_prefix[`IDE_PREFIX_BIT_P]);
  wire [12:0] start_total = {10'd0, start_size} + {2'b00, start_len} +
      (start_ide ? MAC_DW : {12'd0, start_td});

  wire hdr_room;
  wire data_room;
  wire end_room;
  wire start = state_q == ST_START && window && hdr_room;

  reg hdr_bad_q;
  reg any_length_q;
  reg [12:0] expected_q;
  reg [10:0] left_q;  // DWs of payload to come
  wire final_beat = {2'b00, left_q} <= LANES_13;
  wire emit = state_q == ST_DATA && window && data_room;
  reg [LANE_W-1:0] offset_q;  // lane of the window where the payload goes on

  // The payload begins in the window's second beat when that is where the header ends.
  wire [4:0] size_wide = {2'b00, start_size};
  wire start_far = size_wide[LANE_W:0] >= ALL_LANES;

  skid_buffer #(
      .W(1 + 32 + 25 + 128 + 11 + 1)
  ) u_hdr (
      .clk(clk),
      .rst(rst),
      .s_valid(state_q == ST_START && window),
      .s_ready(hdr_room),
      .s_data({
        start_ide,
        start_prefix,
        start_pasid,
        pasid_prefix[23:0] & {24{start_pasid}},
        start_hdr[127:TD_BIT+1],
        1'b0,
        start_hdr[TD_BIT-1:0],
        start_malformed ? 11'd0 : start_len,
        start_malformed
      }),
      .m_valid(hdr_valid),
      .m_ready(hdr_ready),
      .m_data({hdr_ide, hdr_prefix, hdr_pasid, hdr, hdr_len, hdr_malformed})
  );

  always @(posedge clk) begin
    if (start) begin
      hdr_bad_q    <= start_malformed;
      any_length_q <= start_any_length;
      expected_q   <= start_total;
      left_q       <= start_len;
      offset_q     <= size_wide[LANE_W-1:0];
    end else if (emit) begin
      left_q <= final_beat ? 11'd0 : left_q - LANES_13[10:0];
    end
  end

  // ----------------------------------------------------------------- payload

  wire [2*DATA_W-1:0] shifted = both >> {offset_q, 5'd0};
  reg [LANES-1:0] emit_keep;
  reg [DATA_W-1:0] emit_data;

  always @* begin
    emit_keep = {LANES{1'b0}};
    emit_data = {DATA_W{1'b0}};
    for (i = 0; i < LANES; i = i + 1) begin
      if ({21'd0, left_q} > i) begin
        emit_keep[i]        = 1'b1;
        emit_data[32*i+:32] = shifted[32*i+:32];
      end
    end
  end

  wire data_none;

  sync_fifo #(
      .W    (DATA_W + LANES + 1),
      .DEPTH(DATA_DEPTH)
  ) u_data (
      .clk    (clk),
      .rst    (rst),
      .s_valid(state_q == ST_DATA && window),
      .s_ready(data_room),
      .s_data ({final_beat, emit_keep, emit_data}),
      .m_valid(data_valid),
      .m_ready(data_ready),
      .m_data ({data_last, data_keep, data}),
      .empty  (data_none)
  );

  // ----------------------------------------------------------------- end

  wire finish = state_q == ST_SKIP && cur_last_q && end_room;
  wire count_wrong = total_q != expected_q && !any_length_q;

  wire end_none;

  sync_fifo #(
      .W    (97),
      .DEPTH(END_DEPTH)
  ) u_end (
      .clk(clk),
      .rst(rst),
      .s_valid(state_q == ST_SKIP && cur_last_q),
      .s_ready(end_room),
      .s_data({
        hdr_bad_q || odd_q || count_wrong,
        turn(tail_q[31:0]),
        turn(tail_q[63:32]),
        turn(tail_q[95:64])
      }),
      .m_valid(end_valid),
      .m_ready(end_ready),
      .m_data({end_malformed, end_mac}),
      .empty(end_none)
  );

  // ----------------------------------------------------------------- state

  wire more = start_len != 11'd0 && !start_malformed;

  assign load_first = nxt_valid_q && (state_q == ST_IDLE || finish);
  assign load_next  = !cur_last_q && nxt_valid_q && ((start && (!more || start_far)) || emit ||
      state_q == ST_SKIP);

  always @* begin
    state_d = state_q;
    case (state_q)
      ST_IDLE:  if (load_first) state_d = ST_START;
      ST_START: if (start) state_d = more ? ST_DATA : ST_SKIP;
      ST_DATA:  if (emit && final_beat) state_d = ST_SKIP;
      ST_SKIP:  if (finish) state_d = load_first ? ST_START : ST_IDLE;
      default:  ;  // stays, and is a fault
    endcase
  end

  always @(posedge clk) begin
    if (rst) begin
      state_q <= ST_IDLE;
    end else begin
      state_q <= state_d;
    end
  end

  assign fault = state_q != ST_IDLE && state_q != ST_START && state_q != ST_DATA &&
      state_q != ST_SKIP;

  wire unused = &{
    1'b0, start_permitted, start_sub_stream, data_none, end_none, size_wide, pasid_prefix
  };

endmodule

`default_nettype wire
