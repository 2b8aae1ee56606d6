// SPDX-License-Identifier: Apache-2.0
//
// cfg_ats: ATS extended capability of all functions. Virtual functions use the smallest translation
// unit of the physical function.

`default_nettype none
`include "cfg_map.vh"
`include "pcie_defs.vh"

module cfg_ats #(
    parameter        NUM_TDI = 4,
    parameter        TDI_W   = 2,
    parameter [11:0] PF_NEXT = 12'h000,
    parameter [11:0] VF_NEXT = 12'h000
) (
    input wire               clk,
    input wire               rst,
    input wire [NUM_TDI-1:0] clear_functions, // FLR, or the function does not exist

    // Access to a register
    input  wire [TDI_W-1:0] func,
    input  wire             physical,
    input  wire [     11:0] addr,
    output reg  [     31:0] rdata,
    output reg  [     31:0] rw_mask,
    input  wire             write,
    input  wire [     31:0] value,

    output wire [NUM_TDI-1:0] ats_enable
);

  // Page Aligned Request; no Global Invalidate (TDISP-ATS-004)
  localparam [15:0] ATS_CAPABILITY = 16'h0020;
  localparam [31:0] PF_MASK = 32'h801f_0000;
  localparam [31:0] VF_MASK = 32'h8000_0000;

  reg [NUM_TDI-1:0] enable_q;
  reg [4:0] smallest_unit_q;

  assign ats_enable = enable_q;

  always @* begin
    rdata   = 32'd0;
    rw_mask = 32'd0;
    case (addr)
      `CFG_REG_ATS: rdata = {physical ? PF_NEXT : VF_NEXT, 4'd1, `PCIE_ECAP_ATS};
      `CFG_REG_ATS_CONTROL: begin
        rdata   = {enable_q[func], 10'd0, physical ? smallest_unit_q : 5'd0, ATS_CAPABILITY};
        rw_mask = physical ? PF_MASK : VF_MASK;
      end
      default: rdata = 32'd0;
    endcase
  end

  always @(posedge clk) begin
    if (rst) enable_q <= {NUM_TDI{1'b0}};
    else begin
      enable_q <= enable_q & ~clear_functions;
      if (write && addr == `CFG_REG_ATS_CONTROL) enable_q[func] <= value[31];
    end
  end

  always @(posedge clk) begin
    if (rst || clear_functions[0]) smallest_unit_q <= 5'd0;
    else if (write && physical && addr == `CFG_REG_ATS_CONTROL) smallest_unit_q <= value[20:16];
  end

  wire unused = &{1'b0, value[30:21], value[15:0]};

endmodule

`default_nettype wire
