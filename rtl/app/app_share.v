// SPDX-License-Identifier: Apache-2.0
//
// app_share: the memory pages of all functions, shared by who uses them.
//
// One write and one read a cycle. Clearing has every other cycle for writes and the rest goes in
// turn to software and to Completions; software and the DMA engine take turns in reading.

`default_nettype none

module app_share #(
    parameter DATA_W  = 128,
    parameter NUM_TDI = 4,
    parameter TDI_W   = 2,
    parameter SWEEP_W = 8     // bits of a beat's number in a page
) (
    input wire clk,
    input wire rst,

    // Clearing
    input  wire               sweep_valid,
    output wire               sweep_ready,
    output wire               sweep_step,
    input  wire [  TDI_W-1:0] sweep_tdi,
    input  wire [SWEEP_W-1:0] sweep_word,

    // Software: one function for both
    input  wire [   TDI_W-1:0] mmio_tdi,
    input  wire                mmio_write_valid,
    output wire                mmio_write_ready,
    input  wire [DATA_W/8-1:0] mmio_write_be,
    input  wire [         9:0] mmio_write_dw,
    input  wire [  DATA_W-1:0] mmio_write_data,
    input  wire                mmio_read_valid,
    output wire                mmio_read_ready,
    input  wire [         9:0] mmio_read_dw,
    output wire                mmio_read_answer,  // one cycle after the read was taken

    // Completions
    input  wire                cpl_write_valid,
    output wire                cpl_write_ready,
    input  wire [   TDI_W-1:0] cpl_write_tdi,
    input  wire [DATA_W/8-1:0] cpl_write_be,
    input  wire [         9:0] cpl_write_dw,
    input  wire [  DATA_W-1:0] cpl_write_data,

    // DMA engine
    input  wire             dma_read_valid,
    output wire             dma_read_ready,
    input  wire [TDI_W-1:0] dma_read_tdi,
    input  wire [      9:0] dma_read_dw,
    output wire             dma_read_answer,

    output wire [DATA_W-1:0] read_data  // of either answer
);

  localparam LANE_W = 10 - SWEEP_W;
  localparam BE_W = DATA_W / 8;

  reg turn_q;
  reg share_q;  // whose turn the cycles without a sweep step are
  reg read_mmio_q, read_dma_q;
  wire write_mmio = mmio_write_valid && mmio_write_ready;
  wire write_cpl = cpl_write_valid && cpl_write_ready;
  wire read_mmio = mmio_read_valid && mmio_read_ready;
  wire read_dma = dma_read_valid && dma_read_ready;

  always @(posedge clk) begin
    if (rst) begin
      turn_q      <= 1'b0;
      share_q     <= 1'b0;
      read_mmio_q <= 1'b0;
      read_dma_q  <= 1'b0;
    end else begin
      turn_q      <= !turn_q;
      read_mmio_q <= read_mmio;
      read_dma_q  <= read_dma;
      if (!sweep_step) share_q <= !share_q;
    end
  end

  assign sweep_ready      = turn_q;
  assign sweep_step       = sweep_valid && turn_q;
  assign mmio_write_ready = !sweep_step && (share_q || !cpl_write_valid);
  assign cpl_write_ready  = !sweep_step && (!share_q || !mmio_write_valid);
  assign mmio_read_ready  = turn_q || !dma_read_valid;
  assign dma_read_ready   = !turn_q || !mmio_read_valid;
  assign mmio_read_answer = read_mmio_q;
  assign dma_read_answer  = read_dma_q;

  app_mem #(
      .DATA_W (DATA_W),
      .NUM_TDI(NUM_TDI),
      .TDI_W  (TDI_W)
  ) u_mem (
      .clk(clk),
      .write_be(sweep_step ? {BE_W{1'b1}} : write_cpl ? cpl_write_be : write_mmio ? mmio_write_be :
                {BE_W{1'b0}}),
      .write_tdi(sweep_step ? sweep_tdi : write_cpl ? cpl_write_tdi : mmio_tdi),
      .write_dw(sweep_step ? {sweep_word, {LANE_W{1'b0}}} :
                write_cpl ? cpl_write_dw : mmio_write_dw),
      .write_data(sweep_step ? {DATA_W{1'b0}} : write_cpl ? cpl_write_data : mmio_write_data),
      .read_req(read_mmio || read_dma),
      .read_tdi(read_dma ? dma_read_tdi : mmio_tdi),
      .read_dw(read_dma ? dma_read_dw : mmio_read_dw),
      .read_data(read_data)
  );

endmodule

`default_nettype wire
