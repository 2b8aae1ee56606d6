// SPDX-License-Identifier: Apache-2.0
//
// dw_packer: packs pieces of 1 to DATA_W / 32 DWs into beats without gaps.
//
// `flush` forgets everything, a beat that is offered as well: it stands for a link that is down.

`default_nettype none

module dw_packer #(
    parameter DATA_W = 128,
    parameter LANE_W = 2     // log2 of the DWs of a beat
) (
    input wire clk,
    input wire rst,
    input wire flush,

    input  wire [DATA_W-1:0] s_data,
    input  wire [  LANE_W:0] s_count,  // DWs of the piece, from lane 0 on; the rest is ignored
    input  wire              s_last,   // the packet ends with this piece
    input  wire              s_valid,
    output wire              s_ready,

    output wire [  DATA_W-1:0] m_axis_tdata,
    output wire [DATA_W/8-1:0] m_axis_tkeep,
    output wire                m_axis_tvalid,
    input  wire                m_axis_tready,
    output wire                m_axis_tlast
);

  localparam LANES = DATA_W / 32;
  localparam [31:0] LANES_32 = LANES;
  localparam [LANE_W+1:0] ALL_LANES = LANES_32[LANE_W+1:0];

  reg [DATA_W-1:0] rest_q;  // DWs that do not fill a beat yet, zero beyond them
  reg [LANE_W:0] rest_count_q;
  reg rest_last_q;  // they are the end of a packet

  reg valid_q, last_q;
  reg [DATA_W-1:0] data_q;
  reg [LANES-1:0] keep_q;

  reg [DATA_W-1:0] masked;
  integer i;
  always @* begin
    masked = {DATA_W{1'b0}};
    for (i = 0; i < LANES; i = i + 1)
    if (i[LANE_W:0] < s_count) masked[32*i+:32] = s_data[32*i+:32];
  end

  wire free = !valid_q || m_axis_tready;
  wire take = s_valid && s_ready;
  assign s_ready = free && !rest_last_q;

  wire [2*DATA_W-1:0] both =
      {{DATA_W{1'b0}}, rest_q} | ({{DATA_W{1'b0}}, masked} << {rest_count_q, 5'd0});
  wire [LANE_W+1:0] total = {1'b0, rest_count_q} + {1'b0, s_count};
  wire whole = total >= ALL_LANES;
  wire over = total > ALL_LANES;
  wire [LANE_W:0] remaining = total[LANE_W:0] - ALL_LANES[LANE_W:0];
  wire emit = rest_last_q || (take && (whole || s_last));
  wire [LANE_W+1:0] emit_count = rest_last_q ? {1'b0, rest_count_q} : total;

  always @(posedge clk) begin
    if (rst || flush) begin
      valid_q      <= 1'b0;
      rest_q       <= {DATA_W{1'b0}};
      rest_count_q <= {(LANE_W + 1) {1'b0}};
      rest_last_q  <= 1'b0;
    end else begin
      if (free) valid_q <= emit;
      if (free && rest_last_q) begin
        rest_q       <= {DATA_W{1'b0}};
        rest_count_q <= {(LANE_W + 1) {1'b0}};
        rest_last_q  <= 1'b0;
      end else if (take) begin
        rest_last_q <= s_last && over;
        if (whole) begin
          rest_q       <= both[2*DATA_W-1:DATA_W];
          rest_count_q <= remaining;
        end else begin
          rest_q       <= s_last ? {DATA_W{1'b0}} : both[DATA_W-1:0];
          rest_count_q <= s_last ? {(LANE_W + 1) {1'b0}} : total[LANE_W:0];
        end
      end
    end
  end

  always @(posedge clk) begin
    if (free) begin
      data_q <= rest_last_q ? rest_q : both[DATA_W-1:0];
      last_q <= rest_last_q || (s_last && !over);
      for (i = 0; i < LANES; i = i + 1) keep_q[i] <= i[LANE_W+1:0] < emit_count;
    end
  end

  genvar g;
  generate
    for (g = 0; g < LANES; g = g + 1) begin : g_keep
      assign m_axis_tkeep[4*g+:4] = {4{keep_q[g]}};
    end
  endgenerate

  assign m_axis_tdata  = data_q;
  assign m_axis_tvalid = valid_q;
  assign m_axis_tlast  = last_q;

endmodule

`default_nettype wire
