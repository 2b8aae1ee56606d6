// SPDX-License-Identifier: Apache-2.0
//
// app_gather: answers a fetch of app_reader from registers, a DW a cycle.

`default_nettype none

module app_gather #(
    parameter DATA_W = 128,
    parameter LANE_W = 2
) (
    input wire clk,
    input wire rst,

    input  wire              fetch_valid,
    output wire              fetch_ready,
    input  wire [       9:0] fetch_dw,
    input  wire [      10:0] fetch_left,
    output wire              answer_valid,
    output wire [DATA_W-1:0] answer_data,

    output wire        reg_read,
    output wire [ 9:0] reg_dw,
    input  wire [31:0] reg_read_data  // one cycle after reg_read
);

  localparam [31:0] BEAT = DATA_W / 32;
  localparam [10:0] LANES = BEAT[10:0];

  reg [LANE_W-1:0] lane_q;  // being read
  reg [LANE_W-1:0] store_lane_q;
  reg store_q, answer_q;
  reg [DATA_W-1:0] data_q;

  wire [10:0] wanted = fetch_left < LANES ? fetch_left : LANES;
  wire last = {{(11 - LANE_W) {1'b0}}, lane_q} == wanted - 11'd1;

  always @(posedge clk) begin
    if (rst) begin
      lane_q   <= {LANE_W{1'b0}};
      store_q  <= 1'b0;
      answer_q <= 1'b0;
    end else begin
      if (fetch_valid) lane_q <= last ? {LANE_W{1'b0}} : lane_q + 1'b1;
      store_q  <= fetch_valid;
      answer_q <= fetch_ready;
    end
    store_lane_q <= lane_q;
    if (store_q) data_q[32*store_lane_q+:32] <= reg_read_data;
  end

  // The last DW comes straight from the register page in the cycle of the answer.
  reg [DATA_W-1:0] merged;
  always @* begin
    merged                      = data_q;
    merged[32*store_lane_q+:32] = reg_read_data;
  end

  assign fetch_ready  = fetch_valid && last;
  assign answer_valid = answer_q;
  assign answer_data  = merged;
  assign reg_read     = fetch_valid;
  assign reg_dw       = fetch_dw + {{(10 - LANE_W) {1'b0}}, lane_q};

endmodule

`default_nettype wire
