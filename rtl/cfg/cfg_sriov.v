// SPDX-License-Identifier: Apache-2.0
//
// cfg_sriov: SR-IOV extended capability of the physical function.
//
// VF n has the Requester ID of the physical function plus n. NumVFs and the System Page Size can be
// written only while VF Enable is 0. Every VF BAR keeps its size whatever the System Page Size, so
// only page sizes up to the smallest VF BAR are supported. ARI Capable Hierarchy is only kept: First
// VF Offset and VF Stride do not depend on it.

`default_nettype none
`include "app_defs.vh"
`include "cfg_map.vh"
`include "pcie_defs.vh"

module cfg_sriov #(
    parameter        NUM_TDI      = 4,         // 1: there is no such capability
    parameter [15:0] VF_DEVICE_ID = 16'h7d16,
    parameter [11:0] NEXT         = 12'h000
) (
    input wire clk,
    input wire rst,
    input wire flr,

    // Access to a register
    input  wire [11:0] addr,
    output wire [31:0] rdata,
    output wire [31:0] rw_mask,
    input  wire        write,
    input  wire [31:0] value,

    output wire               vf_enable,
    output wire               vf_memory_space,
    output wire [NUM_TDI-1:0] tdi_present,       // the PF, and VFs up to NumVFs while enabled
    output wire [       15:0] num_vfs,
    output wire [       31:0] system_page_size,
    output wire [       63:0] vf_bar0,           // of VF 1
    output wire [       63:0] vf_bar2
);

  localparam [31:0] LAST_TDI = NUM_TDI - 1;
  localparam [15:0] TOTAL_VFS = LAST_TDI[15:0];
  localparam [63:0] BAR0_MASK = ~(`APP_BAR0_SIZE - 64'd1);
  localparam [63:0] BAR2_MASK = ~(`APP_BAR2_SIZE - 64'd1);
  localparam [31:0] BAR_TYPE = 32'h0000_000c;  // 64 bits, prefetchable
  localparam [31:0] CONTROL_MASK = 32'h0000_0019;  // VF Enable, VF MSE, ARI Capable Hierarchy
  localparam [31:0] EXISTS = {32{TOTAL_VFS != 16'd0}};

  reg vf_enable_q, vf_memory_space_q, ari_hierarchy_q;
  reg [NUM_TDI-1:0] present_q;
  reg [15:0] num_vfs_q;
  reg [31:0] page_size_q;
  reg [63:0] vf_bar0_q, vf_bar2_q;
  reg [31:0] shown, writable;

  wire [31:0] while_disabled = {32{!vf_enable_q}};

  // Which functions exist changes with VF Enable only, for NumVFs stays while VF Enable is 1.
  wire [NUM_TDI-1:0] physical_only = {{(NUM_TDI - 1) {1'b0}}, 1'b1};
  wire [NUM_TDI-1:0] up_to_num_vfs = ~({{(NUM_TDI - 1) {1'b1}}, 1'b0} << num_vfs_q);

  always @* begin
    shown    = 32'd0;
    writable = 32'd0;
    case (addr)
      `CFG_REG_SRIOV: shown = {NEXT, 4'd1, `PCIE_ECAP_SRIOV};
      `CFG_REG_SRIOV_CONTROL: begin
        shown    = {27'd0, ari_hierarchy_q, vf_memory_space_q, 2'd0, vf_enable_q};
        writable = CONTROL_MASK;
      end
      `CFG_REG_SRIOV_TOTAL_VFS: shown = {TOTAL_VFS, TOTAL_VFS};
      `CFG_REG_SRIOV_NUM_VFS: begin
        shown    = {16'd0, num_vfs_q};
        writable = 32'h0000_ffff & while_disabled;
      end
      `CFG_REG_SRIOV_VF_OFFSET: shown = {16'd1, 16'd1};  // VF Stride, First VF Offset
      `CFG_REG_SRIOV_VF_DEVICE_ID: shown = {VF_DEVICE_ID, 16'd0};
      `CFG_REG_SRIOV_SUPPORTED_PAGE_SIZES: shown = `CFG_SUPPORTED_PAGE_SIZES;
      `CFG_REG_SRIOV_SYSTEM_PAGE_SIZE: begin
        shown    = page_size_q;
        writable = while_disabled;
      end
      `CFG_REG_SRIOV_VF_BAR0: begin
        shown    = vf_bar0_q[31:0] | BAR_TYPE;
        writable = BAR0_MASK[31:0];
      end
      `CFG_REG_SRIOV_VF_BAR1: begin
        shown    = vf_bar0_q[63:32];
        writable = BAR0_MASK[63:32];
      end
      `CFG_REG_SRIOV_VF_BAR2: begin
        shown    = vf_bar2_q[31:0] | BAR_TYPE;
        writable = BAR2_MASK[31:0];
      end
      `CFG_REG_SRIOV_VF_BAR3: begin
        shown    = vf_bar2_q[63:32];
        writable = BAR2_MASK[63:32];
      end
      default: shown = 32'd0;
    endcase
  end

  assign rdata   = shown & EXISTS;
  assign rw_mask = writable & EXISTS;

  always @(posedge clk) begin
    if (rst || flr) begin
      vf_enable_q       <= 1'b0;
      vf_memory_space_q <= 1'b0;
      ari_hierarchy_q   <= 1'b0;
      present_q         <= physical_only;
      num_vfs_q         <= 16'd0;
      page_size_q       <= 32'd1;
      vf_bar0_q         <= 64'd0;
      vf_bar2_q         <= 64'd0;
    end else if (write && TOTAL_VFS != 16'd0) begin
      case (addr)
        `CFG_REG_SRIOV_CONTROL: begin
          vf_enable_q       <= value[0];
          vf_memory_space_q <= value[3];
          ari_hierarchy_q   <= value[4];
          present_q         <= value[0] ? up_to_num_vfs : physical_only;
        end
        `CFG_REG_SRIOV_NUM_VFS: num_vfs_q <= value[15:0];
        `CFG_REG_SRIOV_SYSTEM_PAGE_SIZE: page_size_q <= value;
        `CFG_REG_SRIOV_VF_BAR0: vf_bar0_q[31:0] <= value & BAR0_MASK[31:0];
        `CFG_REG_SRIOV_VF_BAR1: vf_bar0_q[63:32] <= value;
        `CFG_REG_SRIOV_VF_BAR2: vf_bar2_q[31:0] <= value & BAR2_MASK[31:0];
        `CFG_REG_SRIOV_VF_BAR3: vf_bar2_q[63:32] <= value;
        default: ;
      endcase
    end
  end

  assign vf_enable        = vf_enable_q;
  assign vf_memory_space  = vf_memory_space_q;
  assign tdi_present      = present_q;
  assign num_vfs          = num_vfs_q;
  assign system_page_size = page_size_q;
  assign vf_bar0          = vf_bar0_q;
  assign vf_bar2          = vf_bar2_q;

endmodule

`default_nettype wire
