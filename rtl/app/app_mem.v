// SPDX-License-Identifier: Apache-2.0
//
// app_mem: the memory pages of all functions, a beat of DATA_W bits a cycle at any DW address.
//
// Each lane of 32 bits is a RAM of its own with its own word address, so a beat needs no alignment.
// A beat that runs past the end of the page wraps inside the page of its function: no address
// reaches another function's memory (TDISP-MMIO-010).

`default_nettype none
`include "app_defs.vh"

module app_mem #(
    parameter DATA_W  = 128,
    parameter NUM_TDI = 4,
    parameter TDI_W   = 2
) (
    input wire clk,

    input wire [DATA_W/8-1:0] write_be,   // no bit set: no write
    input wire [   TDI_W-1:0] write_tdi,
    input wire [         9:0] write_dw,   // DW address of lane 0 in the page
    input wire [  DATA_W-1:0] write_data,

    input  wire              read_req,
    input  wire [ TDI_W-1:0] read_tdi,
    input  wire [       9:0] read_dw,
    output wire [DATA_W-1:0] read_data  // one cycle after read_req, lane 0 first
);

  localparam LANES = DATA_W / 32;
  localparam LANE_W = DATA_W == 128 ? 2 : DATA_W == 256 ? 3 : 4;
  localparam ROWS = `APP_MEMORY_BYTES / 4 / LANES;

  reg  [LANE_W-1:0] first_bank_q;  // bank of lane 0 in the beat being read
  wire [DATA_W-1:0] bank_data;

  always @(posedge clk) if (read_req) first_bank_q <= read_dw[LANE_W-1:0];

  genvar b;
  generate
    for (b = 0; b < LANES; b = b + 1) begin : g_bank
      localparam [LANE_W-1:0] BANK = b;
      wire [LANE_W-1:0] write_lane = BANK - write_dw[LANE_W-1:0];
      wire [LANE_W-1:0] read_bank = BANK + first_bank_q;
      // Banks below that of lane 0 hold the end of the beat, one row further.
      localparam [31:0] ABOVE = LANES - 1 - b;
      localparam [9:0] LIFT = ABOVE[9:0];
      wire [9:0] write_up = write_dw + LIFT;
      wire [9:0] read_up = read_dw + LIFT;
      wire unused = &{1'b0, write_up[LANE_W-1:0], read_up[LANE_W-1:0]};

      app_ram #(
          .WIDTH (32),
          .WORDS (NUM_TDI * ROWS),
          .ADDR_W(TDI_W + 10 - LANE_W)
      ) u_ram (
          .clk       (clk),
          .write_be  (write_be[4*write_lane+:4]),
          .write_addr({write_tdi, write_up[9:LANE_W]}),
          .write_data(write_data[32*write_lane+:32]),
          .read_req  (read_req),
          .read_addr ({read_tdi, read_up[9:LANE_W]}),
          .read_data (bank_data[32*b+:32])
      );

      assign read_data[32*b+:32] = bank_data[32*read_bank+:32];
    end
  endgenerate

endmodule

`default_nettype wire
