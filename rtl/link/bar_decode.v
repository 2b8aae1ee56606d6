// SPDX-License-Identifier: Apache-2.0
//
// bar_decode: which function, BAR and page does an address belong to?
//
// Pure: no state, no clock. VF n lies n - 1 sizes above the VF BAR, so a subtraction gives n. Only
// functions that exist and have Memory Space Enable set take part. An address in more than one window
// hits nothing: a window moved onto another function's must not open it (TDISP-MMIO-010). The
// Expansion ROM is found at the page of BAR0 that has nothing else.

`default_nettype none
`include "app_defs.vh"

module bar_decode #(
    parameter NUM_TDI = 4,
    parameter TDI_W   = 2
) (
    input wire [NUM_TDI-1:0] tdi_present,
    input wire [NUM_TDI-1:0] tdi_mse,
    input wire [       63:0] pf_bar0,
    input wire [       63:0] pf_bar2,
    input wire [       63:0] vf_bar0,
    input wire [       63:0] vf_bar2,
    input wire               rom_enable,
    input wire [       31:0] rom_base,

    input wire [63:0] address,

    output wire             hit,
    output wire [TDI_W-1:0] tdi,
    output wire             bar,          // 0: BAR0, 1: BAR2
    output wire [     16:0] offset,
    output reg  [      1:0] range_class,
    output wire             rom,          // of the Expansion ROM
    output wire             memory        // the page of memory, which SET_MMIO_ATTRIBUTE may open
);

  localparam BAR0_W = 14;
  localparam BAR2_W = 17;
  localparam [31:0] TDIS = NUM_TDI;
  localparam ROM_W = 12;
  localparam [16:0] ROM_PAGE = 17'h03000;

  generate
    if (`APP_BAR0_SIZE != 1 << BAR0_W || `APP_BAR2_SIZE != 1 << BAR2_W ||
        `APP_ROM_BYTES != 1 << ROM_W) begin : g_check_sizes
      PARAM_ERROR_BAR_sizes_differ_from_the_memory_map u_stop ();
    end
  endgenerate

  wire [NUM_TDI-1:0] enabled = tdi_present & tdi_mse;
  // Number of the function in the VF BAR: 0 just below the first, and far too high farther below
  wire [63:BAR0_W] vf_number0 = address[63:BAR0_W] - vf_bar0[63:BAR0_W] + 1'b1;
  wire [63:BAR2_W] vf_number2 = address[63:BAR2_W] - vf_bar2[63:BAR2_W] + 1'b1;
  wire [TDI_W-1:0] vf_tdi0 = vf_number0[BAR0_W+:TDI_W];
  wire [TDI_W-1:0] vf_tdi2 = vf_number2[BAR2_W+:TDI_W];
  wire vf_exists0 = |vf_number0 && vf_number0 < {{(32 - BAR0_W) {1'b0}}, TDIS};
  wire vf_exists2 = |vf_number2 && vf_number2 < {{(32 - BAR2_W) {1'b0}}, TDIS};

  wire pf_hit0 = enabled[0] && address[63:BAR0_W] == pf_bar0[63:BAR0_W];
  wire pf_hit2 = enabled[0] && address[63:BAR2_W] == pf_bar2[63:BAR2_W];
  wire vf_hit0 = vf_exists0 && enabled[vf_tdi0];
  wire vf_hit2 = vf_exists2 && enabled[vf_tdi2];

  assign rom = enabled[0] && rom_enable && address[63:ROM_W] == {32'd0, rom_base[31:ROM_W]};

  // The windows of the VFs at one BAR do not overlap each other.
  wire hit0 = pf_hit0 || vf_hit0;
  wire hit2 = pf_hit2 || vf_hit2;
  wire several = (hit0 && hit2) || (pf_hit0 && vf_hit0) || (pf_hit2 && vf_hit2) ||
      (rom && (hit0 || hit2));

  assign hit = (hit0 || hit2 || rom) && !several;
  assign tdi = vf_hit0 ? vf_tdi0 : vf_hit2 ? vf_tdi2 : {TDI_W{1'b0}};
  assign bar = hit2;
  assign offset = bar ? address[BAR2_W-1:0] : rom ? {5'd0, address[ROM_W-1:0]} | ROM_PAGE :
      {{(BAR2_W - BAR0_W) {1'b0}}, address[BAR0_W-1:0]};

  wire [63:0] page = {{(64 - BAR2_W) {1'b0}}, offset[16:12], 12'h000};

  assign memory = hit && !bar && page == `APP_BAR0_MEMORY;

  always @* begin
    range_class = `APP_CLASS_NONE;
    if (hit && !bar) begin
      case (page)
        `APP_BAR0_REGISTERS, `APP_BAR0_MEMORY: range_class = `APP_CLASS_TEE;
        `APP_BAR0_PUBLIC: range_class = `APP_CLASS_NON_TEE;
        default: range_class = `APP_CLASS_NONE;
      endcase
    end else if (hit) begin
      case (page)
        `APP_BAR2_MSIX_TABLE, `APP_BAR2_MSIX_PBA: range_class = `APP_CLASS_MSIX;
        default: range_class = `APP_CLASS_NONE;
      endcase
    end
  end

  wire unused = &{1'b0, pf_bar0[BAR0_W-1:0], vf_bar0[BAR0_W-1:0], pf_bar2[BAR2_W-1:0],
                  vf_bar2[BAR2_W-1:0], rom_base[ROM_W-1:0]};

endmodule

`default_nettype wire
