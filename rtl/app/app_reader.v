// SPDX-License-Identifier: Apache-2.0
//
// app_reader: turns a run of DWs into beats of DATA_W bits.
//
// Up to four beats are on the way, so a source that answers in two cycles gives a beat a cycle.
// Lanes past the end of the run are zero: they hold what no request asked for (TDISP-MMIO-007).

`default_nettype none

module app_reader #(
    parameter DATA_W = 128
) (
    input wire clk,
    input wire rst,

    // A run; not while busy
    input  wire        start_req,
    input  wire [ 9:0] start_dw,
    input  wire [10:0] start_count,  // 1 to 1024
    output wire        busy,

    // Source: answers come in order
    output wire              fetch_valid,
    input  wire              fetch_ready,
    output wire [       9:0] fetch_dw,
    output wire [      10:0] fetch_left,    // DWs to the end of the run
    input  wire              answer_valid,
    input  wire [DATA_W-1:0] answer_data,

    // Beats
    output wire [   DATA_W-1:0] beat_tdata,
    output wire [DATA_W/32-1:0] beat_tkeep,
    output wire                 beat_tvalid,
    input  wire                 beat_tready,
    output wire                 beat_tlast
);

  localparam LANES = DATA_W / 32;
  localparam [31:0] BEAT = LANES;
  localparam [10:0] STEP = BEAT[10:0];

  reg [9:0] dw_q;
  reg [10:0] left_q;
  reg [DATA_W-1:0] data_q[0:3];
  reg [LANES-1:0] keep_q[0:3];
  reg [3:0] last_q;
  reg [1:0] fetch_idx_q, answer_idx_q, beat_idx_q;
  reg [2:0] taken_q;  // slots between fetch and beat
  reg [2:0] full_q;  // slots with data

  wire fetch = fetch_valid && fetch_ready;
  wire beat = beat_tvalid && beat_tready;
  wire [LANES-1:0] fetch_keep;
  wire [DATA_W-1:0] answer_masked;

  genvar i;
  generate
    for (i = 0; i < LANES; i = i + 1) begin : g_lane
      localparam [10:0] LANE = i;
      assign fetch_keep[i]           = LANE < left_q;
      assign answer_masked[32*i+:32] = keep_q[answer_idx_q][i] ? answer_data[32*i+:32] : 32'd0;
    end
  endgenerate

  always @(posedge clk) begin
    if (rst) begin
      left_q       <= 11'd0;
      fetch_idx_q  <= 2'd0;
      answer_idx_q <= 2'd0;
      beat_idx_q   <= 2'd0;
      taken_q      <= 3'd0;
      full_q       <= 3'd0;
    end else begin
      if (start_req) left_q <= start_count;
      else if (fetch) left_q <= left_q > STEP ? left_q - STEP : 11'd0;
      if (fetch) fetch_idx_q <= fetch_idx_q + 1'b1;
      if (answer_valid) answer_idx_q <= answer_idx_q + 1'b1;
      if (beat) beat_idx_q <= beat_idx_q + 1'b1;
      taken_q <= taken_q + {2'b00, fetch} - {2'b00, beat};
      full_q  <= full_q + {2'b00, answer_valid} - {2'b00, beat};
    end
  end

  always @(posedge clk) begin
    if (start_req) dw_q <= start_dw;
    else if (fetch) dw_q <= dw_q + STEP[9:0];
    if (fetch) begin
      keep_q[fetch_idx_q] <= fetch_keep;
      last_q[fetch_idx_q] <= left_q <= STEP;
    end
    if (answer_valid) data_q[answer_idx_q] <= answer_masked;
  end

  assign fetch_valid = left_q != 11'd0 && taken_q != 3'd4;
  assign fetch_dw    = dw_q;
  assign fetch_left  = left_q;
  assign busy        = left_q != 11'd0 || taken_q != 3'd0;
  assign beat_tdata  = data_q[beat_idx_q];
  assign beat_tkeep  = keep_q[beat_idx_q];
  assign beat_tlast  = last_q[beat_idx_q];
  assign beat_tvalid = full_q != 3'd0;

endmodule

`default_nettype wire
