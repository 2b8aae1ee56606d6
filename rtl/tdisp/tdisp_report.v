// SPDX-License-Identifier: Apache-2.0
//
// tdisp_report: any byte of the report of a TDI.
//
// The report is made from the configuration at `capture`. It cannot change while the TDI is locked
// without taking it to ERROR before the change takes effect, so that a capture in CONFIG_LOCKED or
// RUN is the configuration of the LOCK (TDISP-RPT-006). A TDI of several functions reports BAR0 of
// all of them, the physical function first, and then BAR2 of all of them (TDISP-RPT-008).

`default_nettype none
`include "app_defs.vh"
`include "tdisp_defs.vh"

module tdisp_report #(
    parameter MMIO_ATTRIBUTE_EN = 1  // SET_MMIO_ATTRIBUTE is built, for the memory page
) (
    input wire clk,
    input wire capture, // pulse: the next twelve inputs are taken

    input wire [63:0] bar0,          // of the TDI's first function
    input wire [63:0] bar2,
    input wire [ 8:0] others,        // virtual functions that belong to the same TDI
    input wire [63:0] vf_bar0,       // of the first of them
    input wire [63:0] vf_bar2,
    input wire [63:0] offset,        // MMIO_REPORTING_OFFSET
    input wire        msix_locked,
    input wire [15:0] msix_control,
    input wire [ 8:0] tph_control,
    input wire        ats_enable,
    input wire        pasid_enable,
    input wire        pri_enable,
    input wire        sdi,           // it sends nothing without its PASID but interrupts

    output wire [51:0] memory_page,  // FIRST_PAGE of the memory page
    output wire [15:0] total,        // bytes of the whole report
    input  wire [15:0] at,
    output wire [ 7:0] data
);

  localparam [11:0] RANGES = 12'd3;  // behind BAR0 of a function; two more are behind BAR2
  localparam [21:0] THIRD = 22'd683;  // of 2048: exact for as many ranges as there are
  localparam [15:0] HEADER = 16'd16;
  localparam [31:0] INFO_BYTES = 32'd4;
  localparam [31:0] ONE_PAGE = 32'd1;
  localparam [15:0] BAR2_ID = 16'd2;
  localparam [15:0] MEMORY_ATTRIBUTES =
      MMIO_ATTRIBUTE_EN != 0 ? 16'd1 << `TDISP_RANGE_BIT_IS_MEM_ATTR_UPDATABLE : 16'd0;

  localparam [15:0] INFO_ALWAYS = 16'd1 << `TDISP_INFO_BIT_NO_FW_UPDATE;
  localparam [15:0] INFO_NO_PASID = 16'd1 << `TDISP_INFO_BIT_DMA_WITHOUT_PASID;
  localparam [15:0] INFO_ATS = 16'd1 << `TDISP_INFO_BIT_ATS;
  localparam [15:0] INFO_PRS = 16'd1 << `TDISP_INFO_BIT_PRS;
  localparam [15:0] INFO_PASID = 16'd1 << `TDISP_INFO_BIT_DMA_WITH_PASID;

  reg [63:0] bar0_q, bar2_q, vf_bar0_q, vf_bar2_q, offset_q;
  reg [ 8:0] others_q;
  reg [15:0] msix_control_q;
  reg [ 8:0] tph_control_q;
  reg msix_locked_q, ats_enable_q, pasid_enable_q, pri_enable_q, sdi_q;

  always @(posedge clk) begin
    if (capture) begin
      bar0_q         <= bar0;
      bar2_q         <= bar2;
      others_q       <= others;
      vf_bar0_q      <= vf_bar0;
      vf_bar2_q      <= vf_bar2;
      offset_q       <= offset;
      msix_control_q <= msix_control;
      tph_control_q  <= tph_control;
      msix_locked_q  <= msix_locked;
      ats_enable_q   <= ats_enable;
      pasid_enable_q <= pasid_enable;
      pri_enable_q   <= pri_enable;
      sdi_q          <= sdi;
    end
  end

  wire [11:0] functions = {3'd0, others_q} + 12'd1;
  wire [11:0] bar0_ranges = functions * RANGES;
  wire [11:0] bar2_ranges = msix_locked_q ? {functions[10:0], 1'b0} : 12'd0;
  wire [11:0] ranges = bar0_ranges + bar2_ranges;
  wire [15:0] info_at = HEADER + {ranges, 4'h0};

  // Only functions ask for pages.
  wire [15:0] interface_info = INFO_ALWAYS | (sdi_q ? 16'h0 : INFO_NO_PASID) |
      (ats_enable_q ? INFO_ATS : 16'h0) | (pri_enable_q && !sdi_q ? INFO_PRS : 16'h0) |
      (pasid_enable_q ? INFO_PASID : 16'h0);
  wire [127:0] header = {
    20'h0,
    ranges,
    23'h0,
    msix_locked_q ? tph_control_q : 9'h0,
    16'h0,
    msix_locked_q ? msix_control_q : 16'h0,
    16'h0,
    interface_info
  };
  wire [63:0] tail = {`APP_ID_VALUE, INFO_BYTES};

  wire [63:0] memory = bar0_q + `APP_BAR0_MEMORY;
  wire [63:0] memory_reported = memory + offset_q;
  wire [15:0] range_at = at - HEADER;
  wire [11:0] number = range_at[15:4];
  wire behind_bar2 = number >= bar0_ranges;
  wire [11:0] bar2_number = number - bar0_ranges;
  wire [21:0] thirds = {10'd0, number} * THIRD;
  wire [10:0] function_number = behind_bar2 ? bar2_number[11:1] : thirds[21:11];
  wire [11:0] first_of_function = {1'b0, function_number} * RANGES;
  wire [11:0] number_in_bar0 = number - first_of_function;
  wire [2:0] range = behind_bar2 ? {2'b10, bar2_number[0]} : {1'b0, number_in_bar0[1:0]};
  wire first = function_number == 11'd0;
  wire [63:0] vf_number = {53'd0, function_number} - 64'd1;
  wire [63:0] base0 = first ? bar0_q : vf_bar0_q + vf_number * `APP_BAR0_SIZE;
  wire [63:0] base2 = first ? bar2_q : vf_bar2_q + vf_number * `APP_BAR2_SIZE;
  reg [63:0] address;
  reg [15:0] attributes;
  reg [15:0] range_id;

  always @* begin
    range_id = 16'd0;
    case (range)
      3'd0: begin
        address    = base0 + `APP_BAR0_REGISTERS;
        attributes = 16'd0;
      end
      3'd1: begin
        address    = base0 + `APP_BAR0_PUBLIC;
        attributes = 16'd1 << `TDISP_RANGE_BIT_IS_NON_TEE_MEM;
      end
      3'd2: begin
        address    = base0 + `APP_BAR0_MEMORY;
        attributes = first ? MEMORY_ATTRIBUTES : 16'd0;
      end
      3'd4: begin
        address    = base2 + `APP_BAR2_MSIX_TABLE;
        attributes = 16'd1 << `TDISP_RANGE_BIT_MSIX_TABLE;
        range_id   = BAR2_ID;
      end
      default: begin
        address    = base2 + `APP_BAR2_MSIX_PBA;
        attributes = 16'd1 << `TDISP_RANGE_BIT_MSIX_PBA;
        range_id   = BAR2_ID;
      end
    endcase
  end

  wire [ 63:0] reported = address + offset_q;
  wire [127:0] entry = {range_id, attributes, ONE_PAGE, 12'h0, reported[63:12]};
  wire [ 15:0] tail_at = at - info_at;

  assign memory_page = memory_reported[63:12];
  assign total = info_at + 16'd8;
  assign data = at < HEADER ? header[8*at[3:0]+:8]
      : at < info_at ? entry[8*range_at[3:0]+:8] : tail[8*tail_at[2:0]+:8];

  wire unused = &{1'b0, memory_reported[11:0], reported[11:0], number_in_bar0[11:2],
                  thirds[10:0], tail_at[15:3]};

endmodule

`default_nettype wire
