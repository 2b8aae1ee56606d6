// SPDX-License-Identifier: Apache-2.0
//
// cfg_tph: TPH Requester extended capability of all functions.
//
// There is no Steering Tag table and No ST Mode is the only one. Software may choose another all the
// same: then the function cannot be locked while TPH is enabled (TDISP-LOCK-015).

`default_nettype none
`include "cfg_map.vh"
`include "pcie_defs.vh"

module cfg_tph #(
    parameter        TPH_EN  = 1,        // 0: there is no such capability
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

    output wire [  NUM_TDI-1:0] tph_enable,
    output wire [3*NUM_TDI-1:0] tph_st_mode  // bit b of all functions in slice b
);

  localparam [31:0] EXISTS = {32{TPH_EN != 0}};
  localparam [31:0] NO_ST_MODE_SUPPORTED = 32'h0000_0001;
  localparam [31:0] CONTROL_MASK = 32'h0000_0107;  // TPH Requester Enable, ST Mode Select
  localparam ENABLE = 8;

  reg [  NUM_TDI-1:0] enable_q;
  reg [3*NUM_TDI-1:0] mode_q;
  reg [  NUM_TDI-1:0] chosen;

  assign tph_enable  = enable_q;
  assign tph_st_mode = mode_q;

  wire [NUM_TDI-1:0] mode_2 = mode_q[2*NUM_TDI+:NUM_TDI];
  wire [NUM_TDI-1:0] mode_1 = mode_q[NUM_TDI+:NUM_TDI];
  wire [NUM_TDI-1:0] mode_0 = mode_q[NUM_TDI-1:0];
  wire [2:0] mode = {mode_2[func], mode_1[func], mode_0[func]};

  always @* begin
    rdata   = 32'd0;
    rw_mask = 32'd0;
    case (addr)
      `CFG_REG_TPH: rdata = {physical ? PF_NEXT : VF_NEXT, 4'd1, `PCIE_ECAP_TPH} & EXISTS;
      `CFG_REG_TPH_CAPABILITY: rdata = NO_ST_MODE_SUPPORTED & EXISTS;
      `CFG_REG_TPH_CONTROL: begin
        rdata   = {23'd0, enable_q[func], 5'd0, mode} & EXISTS;
        rw_mask = CONTROL_MASK & EXISTS;
      end
      default: rdata = 32'd0;
    endcase
  end

  wire [3*NUM_TDI-1:0] new_mode = {{NUM_TDI{value[2]}}, {NUM_TDI{value[1]}}, {NUM_TDI{value[0]}}};
  wire write_control = write && addr == `CFG_REG_TPH_CONTROL && EXISTS[0];

  always @* begin
    chosen       = {NUM_TDI{1'b0}};
    chosen[func] = write_control;
  end

  always @(posedge clk) begin
    if (rst) begin
      enable_q <= {NUM_TDI{1'b0}};
      mode_q   <= {3 * NUM_TDI{1'b0}};
    end else begin
      enable_q <= ((enable_q & ~chosen) | (chosen & {NUM_TDI{value[ENABLE]}})) & ~clear_functions;
      mode_q   <= ((mode_q & ~{3{chosen}}) | ({3{chosen}} & new_mode)) & ~{3{clear_functions}};
    end
  end

  wire unused = &{1'b0, value[31:9], value[7:3]};

endmodule

`default_nettype wire
