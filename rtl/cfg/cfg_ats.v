// SPDX-License-Identifier: Apache-2.0
//
// cfg_ats: ATS extended capability of one function. Virtual functions use the smallest translation
// unit of the physical function.

`default_nettype none
`include "cfg_map.vh"
`include "pcie_defs.vh"

module cfg_ats #(
    parameter        IS_VF = 0,
    parameter [11:0] NEXT  = 12'h000
) (
    input wire clk,
    input wire rst,
    input wire flr,

    // Access to a register
    input  wire [11:0] addr,
    output reg  [31:0] rdata,
    output reg  [31:0] rw_mask,
    input  wire        write,
    input  wire [31:0] value,

    output wire ats_enable
);

  // Page Aligned Request; no Global Invalidate (TDISP-ATS-004)
  localparam [15:0] ATS_CAPABILITY = 16'h0020;
  localparam [31:0] CONTROL_MASK = IS_VF ? 32'h8000_0000 : 32'h801f_0000;

  reg [15:0] control_q;

  always @* begin
    rdata   = 32'd0;
    rw_mask = 32'd0;
    case (addr)
      `CFG_REG_ATS: rdata = {NEXT, 4'd1, `PCIE_ECAP_ATS};
      `CFG_REG_ATS_CONTROL: begin
        rdata   = {control_q, ATS_CAPABILITY};
        rw_mask = CONTROL_MASK;
      end
      default: rdata = 32'd0;
    endcase
  end

  always @(posedge clk) begin
    if (rst || flr) control_q <= 16'd0;
    else if (write && addr == `CFG_REG_ATS_CONTROL) control_q <= value[31:16];
  end

  assign ats_enable = control_q[15];

  wire unused = &{1'b0, value[15:0]};

endmodule

`default_nettype wire
