// SPDX-License-Identifier: Apache-2.0
//
// cfg_lock_check: whether the configuration allows LOCK_INTERFACE_REQUEST.
//
// BARs of the physical function, and while VFs are enabled the apertures of all VFs, must not
// overlap, nor the Expansion ROM while it is enabled, and the System Page Size must be one that is
// supported (TDISP-LOCK-009, 010, 012, 013). Phantom Functions, resizable BARs and LN do not exist in
// this device, so their checks always pass; TPH is looked at for each TDI. The result is registered.

`default_nettype none
`include "app_defs.vh"
`include "cfg_map.vh"

module cfg_lock_check #(
    parameter NUM_TDI    = 4,
    parameter BAR_SLICES = 1   // sizes of a function in each BAR of the physical function
) (
    input wire clk,
    input wire rst,

    input wire [63:0] pf_bar0,
    input wire [63:0] pf_bar2,
    input wire        rom_enable,
    input wire [31:0] rom_base,
    input wire [63:0] vf_bar0,
    input wire [63:0] vf_bar2,
    input wire        vf_enable,
    input wire [15:0] num_vfs,
    input wire [31:0] system_page_size,

    output reg lock_config_ok
);

  localparam [31:0] LAST_TDI = NUM_TDI - 1;
  localparam [15:0] TOTAL_VFS = LAST_TDI[15:0];

  wire [15:0] vfs = num_vfs > TOTAL_VFS ? TOTAL_VFS : num_vfs;

  localparam [31:0] SLICES = BAR_SLICES;

  // Ends are exclusive and 65 bits wide: an aperture may reach the end of the address space.
  wire [64:0] pf_end0 = {1'b0, pf_bar0} + {33'd0, SLICES} * {1'b0, `APP_BAR0_SIZE};
  wire [64:0] pf_end2 = {1'b0, pf_bar2} + {33'd0, SLICES} * {1'b0, `APP_BAR2_SIZE};
  wire [64:0] vf_end0 = {1'b0, vf_bar0} + {49'd0, vfs} * {1'b0, `APP_BAR0_SIZE};
  wire [64:0] vf_end2 = {1'b0, vf_bar2} + {49'd0, vfs} * {1'b0, `APP_BAR2_SIZE};
  localparam [64:0] ADDRESS_END = {1'b1, 64'd0};

  function automatic overlap(input reg [63:0] base_a, input reg [64:0] end_a,
                             input reg [63:0] base_b, input reg [64:0] end_b);
    overlap = {1'b0, base_a} < end_b && {1'b0, base_b} < end_a;
  endfunction

  wire [63:0] rom = {32'd0, rom_base};
  wire [64:0] rom_end = {1'b0, rom} + {1'b0, `APP_ROM_BYTES};
  wire rom_pf_overlap = rom_enable && (overlap(
      rom, rom_end, pf_bar0, pf_end0
  ) || overlap(
      rom, rom_end, pf_bar2, pf_end2
  ));
  wire rom_vf_overlap = rom_enable && (overlap(
      rom, rom_end, vf_bar0, vf_end0
  ) || overlap(
      rom, rom_end, vf_bar2, vf_end2
  ));

  wire pf_ok = !overlap(pf_bar0, pf_end0, pf_bar2, pf_end2) && !rom_pf_overlap;
  wire vf_fit = vf_end0 <= ADDRESS_END && vf_end2 <= ADDRESS_END;
  wire vf_overlap = overlap(vf_bar0, vf_end0, vf_bar2, vf_end2);
  wire vf0_pf0_overlap = overlap(vf_bar0, vf_end0, pf_bar0, pf_end0);
  wire vf0_pf2_overlap = overlap(vf_bar0, vf_end0, pf_bar2, pf_end2);
  wire vf2_pf0_overlap = overlap(vf_bar2, vf_end2, pf_bar0, pf_end0);
  wire vf2_pf2_overlap = overlap(vf_bar2, vf_end2, pf_bar2, pf_end2);
  wire vf_ok = vf_fit && !vf_overlap && !vf0_pf0_overlap && !vf0_pf2_overlap &&
      !vf2_pf0_overlap && !vf2_pf2_overlap && !rom_vf_overlap;
  wire page_size_ok = system_page_size != 32'd0 &&
      (system_page_size & (system_page_size - 32'd1)) == 32'd0 &&
      (system_page_size & ~`CFG_SUPPORTED_PAGE_SIZES) == 32'd0;
  wire all_ok = pf_ok && (vf_ok || !vf_enable) && page_size_ok;

  always @(posedge clk) begin
    if (rst) lock_config_ok <= 1'b0;
    else lock_config_ok <= all_ok;
  end

endmodule

`default_nettype wire
