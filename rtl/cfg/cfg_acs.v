// SPDX-License-Identifier: Apache-2.0
//
// cfg_acs: ACS extended capability of all functions.
//
// Every request of a function leaves the device upstream, whatever is set here: the three bits that
// can be written permit or forbid what never happens. They are held for software that reads them
// back, in a RAM with one valid bit for each function, so that a reset of all functions takes one
// cycle. The read is registered: `func` is stable for a cycle before `rdata` is used.

`default_nettype none
`include "cfg_map.vh"
`include "pcie_defs.vh"

module cfg_acs #(
    parameter        NUM_TDI = 4,        // 1: there is no such capability
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
    input  wire [     31:0] value
);

  localparam [31:0] EXISTS = {32{NUM_TDI > 1}};
  // P2P Request Redirect, P2P Completion Redirect, Direct Translated P2P
  localparam [15:0] BITS = 16'h004c;

  reg [NUM_TDI-1:0] valid_q;
  wire [2:0] stored;
  wire [2:0] held = valid_q[func] ? stored : 3'd0;
  wire write_control = write && addr == `CFG_REG_ACS_CONTROL && EXISTS[0];

  cfg_acs_ram #(
      .WIDTH (3),
      .WORDS (NUM_TDI),
      .ADDR_W(TDI_W)
  ) u_ram (
      .clk       (clk),
      .write_req (write_control),
      .addr      (func),
      .write_data({value[22], value[19:18]}),
      .read_data (stored)
  );

  always @* begin
    rdata   = 32'd0;
    rw_mask = 32'd0;
    case (addr)
      `CFG_REG_ACS: rdata = {physical ? PF_NEXT : VF_NEXT, 4'd1, `PCIE_ECAP_ACS} & EXISTS;
      `CFG_REG_ACS_CONTROL: begin
        rdata   = {9'd0, held[2], 2'd0, held[1:0], 2'd0, BITS} & EXISTS;
        rw_mask = {BITS, 16'd0} & EXISTS;
      end
      default: rdata = 32'd0;
    endcase
  end

  always @(posedge clk) begin
    if (rst) valid_q <= {NUM_TDI{1'b0}};
    else begin
      valid_q <= valid_q & ~clear_functions;
      if (write_control) valid_q[func] <= 1'b1;
    end
  end

  wire unused = &{1'b0, value[31:23], value[21:20], value[17:0]};

endmodule

`default_nettype wire
