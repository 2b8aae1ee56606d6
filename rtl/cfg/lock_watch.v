// SPDX-License-Identifier: Apache-2.0
//
// lock_watch: which TDIs an announced configuration write would break, were they locked.
//
// Pure: no state, no clock. A register counts as changed when its value would read back
// differently, so byte enables and read-only bits are respected (TDISP-TRK-014). Registers that are
// not named here are free: Status, Cache Line Size, Interrupt Line, power management (No_Soft_Reset
// is 1), Device Status, Link registers, AER, ACS, DOE, VSEC and stream status (TDISP-TRK-011, 012).
// A change of what virtual functions take from the physical function - SR-IOV, ARI, PASID, page
// requests, tags, No Snoop, the smallest translation unit - hits them all. Scalable Device Interfaces
// share every register of their function. What the report shows of MSI-X and TPH counts while the
// table is locked (TDISP-TRK-005). Initiate FLR is not a value and comes as flr_req. The registers of a
// stream hit the TDIs that it is the default stream of or that have bound it for peers (TDISP-TRK-009,
// TDISP-P2P-003).

`default_nettype none
`include "cfg_map.vh"
`include "pcie_defs.vh"
`include "tdisp_defs.vh"

module lock_watch #(
    parameter NUM_TDI         = 4,
    parameter TDI_W           = 2,
    parameter NUM_IDE_STREAMS = 2,
    parameter STREAM_W        = 1,
    parameter SDI_EN          = 0   // all TDIs are of function 0
) (
    input wire             watch_valid,
    input wire [TDI_W-1:0] watch_func,
    input wire [     11:2] watch_addr,
    input wire [     31:0] watch_old,
    input wire [     31:0] watch_new,

    input wire [       STREAM_W*NUM_TDI-1:0] tdi_stream,
    input wire [NUM_IDE_STREAMS*NUM_TDI-1:0] tdi_p2p,
    input wire [                NUM_TDI-1:0] tdi_msix_locked,

    output reg [NUM_TDI-1:0] hit,
    output reg [        3:0] cause
);

  localparam [31:0] NUM_STREAMS = NUM_IDE_STREAMS;
  localparam [11:0] SRIOV_LAST = `CFG_REG_SRIOV_MIGRATION;
  localparam [11:0] IDE_FIRST = `CFG_REG_IDE + `IDE_REG_FIRST_BLOCK;
  localparam [11:0] IDE_END = IDE_FIRST + NUM_STREAMS[11:0] * `IDE_SEL_REG_SIZE;
  // Memory Space Enable and Bus Master Enable: clearing them is what counts
  localparam [31:0] COMMAND_ENABLES = 32'h0000_0006;
  localparam [31:0] BIST = 32'hff00_0000;
  // No Snoop, Phantom Functions, Extended Tag
  localparam [31:0] DEVICE_CONTROL = 32'h0000_0b00;
  // 10-bit tag requester
  localparam [31:0] DEVICE_CONTROL_2 = 32'h0000_1000;
  localparam [31:0] MESSAGE_CONTROL = 32'hffff_0000;
  localparam [31:0] UPPER = 32'hffff_0000;  // ARI and PASID Control
  localparam [31:0] LOWER = 32'h0000_ffff;  // Page Request Control
  localparam [31:0] ATS_ENABLE = 32'h8000_0000;
  localparam [31:0] ATS_STU = 32'h001f_0000;

  wire [11:0] addr = {watch_addr, 2'b00};
  wire [31:0] changed = watch_old ^ watch_new;
  wire [31:0] removed = watch_old & ~watch_new;
  wire physical = watch_func == {TDI_W{1'b0}};

  wire in_bars = (addr >= `CFG_REG_BAR0 && addr <= `CFG_REG_BAR5) || addr == `CFG_REG_ROM;
  wire in_sriov = addr >= `CFG_REG_SRIOV && addr <= SRIOV_LAST;
  wire in_ide = addr >= IDE_FIRST && addr < IDE_END;
  wire [11:0] ide_offset = addr - IDE_FIRST;
  wire [STREAM_W-1:0] ide_block = ide_offset[5+:STREAM_W];
  wire [NUM_IDE_STREAMS-1:0] one_block = {{(NUM_IDE_STREAMS - 1) {1'b0}}, 1'b1} << ide_block;
  wire ide_status = {7'd0, ide_offset[4:0]} == `IDE_SEL_REG_STATUS;

  reg own, all, msix, stream;  // whom it hits

  always @* begin
    own    = 1'b0;
    all    = 1'b0;
    msix   = 1'b0;
    stream = 1'b0;
    cause  = `TDISP_CAUSE_NONE;
    if (addr == `CFG_REG_COMMAND) begin
      own   = |(removed & COMMAND_ENABLES);
      cause = `TDISP_CAUSE_COMMAND;
    end else if (addr == `CFG_REG_HEADER_TYPE) begin
      own   = |(changed & BIST);
      cause = `TDISP_CAUSE_BAR;
    end else if (in_bars) begin
      own   = |changed;
      cause = `TDISP_CAUSE_BAR;
    end else if (addr == `CFG_REG_DEVICE_CONTROL) begin
      own   = |(changed & DEVICE_CONTROL);
      all   = physical && own;
      cause = `TDISP_CAUSE_DEVICE_CONTROL;
    end else if (addr == `CFG_REG_DEVICE_CONTROL_2) begin
      own   = |(changed & DEVICE_CONTROL_2);
      all   = physical && own;
      cause = `TDISP_CAUSE_DEVICE_CONTROL;
    end else if (addr == `CFG_REG_ARI_CONTROL || addr == `CFG_REG_PASID_CONTROL) begin
      own   = |(changed & UPPER);
      all   = physical && own;
      cause = `TDISP_CAUSE_DEVICE_CONTROL;
    end else if (addr == `CFG_REG_PRI_CONTROL) begin
      own   = |(changed & LOWER);
      all   = physical && own;
      cause = `TDISP_CAUSE_DEVICE_CONTROL;
    end else if (addr == `CFG_REG_PRI_ALLOCATION) begin
      own   = |changed;
      all   = physical && own;
      cause = `TDISP_CAUSE_DEVICE_CONTROL;
    end else if (addr == `CFG_REG_MSIX) begin
      msix  = |(changed & MESSAGE_CONTROL);
      cause = `TDISP_CAUSE_MSIX;
    end else if (addr == `CFG_REG_TPH_CONTROL) begin
      msix  = |changed;
      cause = `TDISP_CAUSE_MSIX;
    end else if (addr == `CFG_REG_ATS_CONTROL) begin
      own   = |(changed & (ATS_ENABLE | ATS_STU));
      all   = physical && |(changed & ATS_STU);
      cause = `TDISP_CAUSE_ATS;
    end else if (in_sriov) begin
      all   = |changed;
      cause = `TDISP_CAUSE_SRIOV;
    end else if (in_ide && !ide_status) begin
      stream = |changed;
      cause  = `TDISP_CAUSE_IDE_REGISTERS;
    end
  end

  localparam [NUM_TDI-1:0] ONE = 1;
  wire [NUM_TDI-1:0] of_function = SDI_EN != 0 ? {NUM_TDI{1'b1}} : ONE << watch_func;
  wire [NUM_TDI-1:0] own_hit = {NUM_TDI{own}} | ({NUM_TDI{msix}} & tdi_msix_locked);

  always @* begin : targets
    integer n;
    hit = {NUM_TDI{watch_valid}} & ({NUM_TDI{all}} | (of_function & own_hit));
    for (n = 0; n < NUM_TDI; n = n + 1) begin
      if (watch_valid && stream && (tdi_stream[STREAM_W*n+:STREAM_W] == ide_block ||
                                    |(tdi_p2p[NUM_IDE_STREAMS*n+:NUM_IDE_STREAMS] & one_block)))
        hit[n] = 1'b1;
    end
  end

  wire unused = &{1'b0, ide_offset};

endmodule

`default_nettype wire
