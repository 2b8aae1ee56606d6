// SPDX-License-Identifier: Apache-2.0
//
// app_target: what software reaches of all functions: registers, MSI-X tables and the Expansion ROM,
// and by way of ports the memory pages.
//
// app_mmio completes one request at a time (TDISP-MMIO-001 to 007). The pages here give a DW a cycle,
// and are cleared by the steps of app_scrub.

`default_nettype none

module app_target #(
    parameter DATA_W      = 128,
    parameter NUM_TDI     = 4,
    parameter TDI_W       = 2,
    parameter STREAM_W    = 1,
    parameter MAX_PAYLOAD = 512,
    parameter VENDOR_ID   = 16'h1234,
    parameter DEVICE_ID   = 16'h7d15
) (
    input wire clk,
    input wire rst,

    output wire fault,  // a state machine was in no state of its own

    // Functions
    input  wire [       15:0] pf_rid,
    input  wire [NUM_TDI-1:0] state_changed,
    input  wire [NUM_TDI-1:0] may_interrupt,
    input  wire [NUM_TDI-1:0] takes_table,       // a LOCK takes the MSI-X table over
    input  wire [NUM_TDI-1:0] scrub_busy,
    input  wire [        2:0] max_payload_size,
    output wire [NUM_TDI-1:0] active,            // a request for this function is in work
    output wire [NUM_TDI-1:0] interrupts_owing,

    // Admitted requests
    input  wire [       127:0] mmio_hdr,
    input  wire [  DATA_W-1:0] mmio_tdata,
    input  wire                mmio_tvalid,
    output wire                mmio_tready,
    input  wire                mmio_tlast,
    input  wire                mmio_ide,
    input  wire                mmio_t,
    input  wire [STREAM_W-1:0] mmio_stream,
    input  wire [   TDI_W-1:0] mmio_tdi,
    input  wire                mmio_bar,
    input  wire [        16:0] mmio_offset,

    // Completions
    output wire [        127:0] appcpl_hdr,
    output wire [   DATA_W-1:0] appcpl_tdata,
    output wire [DATA_W/32-1:0] appcpl_tkeep,
    output wire                 appcpl_tvalid,
    input  wire                 appcpl_tready,
    output wire                 appcpl_tlast,
    output wire                 appcpl_ide,
    output wire                 appcpl_t,
    output wire [ STREAM_W-1:0] appcpl_stream,

    // The function of all accesses below
    output wire [TDI_W-1:0] access_tdi,

    // Memory page: a beat a cycle
    output wire                mem_write_valid,
    input  wire                mem_write_ready,
    output wire [DATA_W/8-1:0] mem_write_be,
    output wire [         9:0] mem_write_dw,
    output wire [  DATA_W-1:0] mem_write_data,
    output wire                mem_read_valid,
    input  wire                mem_read_ready,
    output wire [         9:0] mem_read_dw,
    input  wire                mem_read_answer,
    input  wire [  DATA_W-1:0] mem_read_data,

    // Clearing
    input wire             sweep_step,
    input wire [TDI_W-1:0] sweep_tdi,
    input wire [      3:0] sweep_word,

    // To the DMA engine
    output wire               start_req,
    output wire               start_to_host,
    output wire               start_interrupt,
    output wire [        2:0] start_attr,
    output wire [        1:0] start_atomic,
    output wire               start_translate,
    output wire               start_pasid,
    output wire [        2:0] start_hint,
    output wire [       31:0] length,           // from the next cycle on
    output wire [       63:0] host_address,
    output wire [       31:0] device_address,
    output wire [        1:0] vector,
    output wire [       19:0] pasid,
    output wire               page_start_req,
    input  wire [        2:0] page_status,
    input  wire [NUM_TDI-1:0] busy,
    input  wire [NUM_TDI-1:0] done_req,
    input  wire [NUM_TDI-1:0] error_req,

    // Interrupts
    input  wire [  NUM_TDI-1:0] msix_enable,
    input  wire [  NUM_TDI-1:0] msix_function_mask,
    input  wire [7*NUM_TDI-1:0] msi_control,
    output wire [4*NUM_TDI-1:0] msi_pending,
    output wire [    TDI_W-1:0] msi_tdi,
    input  wire [         79:0] msi_message,
    input  wire [  NUM_TDI-1:0] event_req,
    input  wire [  NUM_TDI-1:0] event_vector_1,
    input  wire [  NUM_TDI-1:0] event_vector_0,
    output wire                 message_valid,
    input  wire                 message_ready,
    output wire                 message_msi,
    output wire [    TDI_W-1:0] message_tdi,
    output wire [         63:0] message_address,
    output wire [         31:0] message_data
);

  wire mmio_fault, interrupt_fault, table_busy;
  wire access_bar, access_rom, access_second;
  wire reg_write, reg_read;
  wire [9:0] reg_dw;
  wire [31:0] reg_write_data, regs_read_data, rom_read_data, msix_read_data;
  wire [3:0] reg_write_be;

  assign fault = mmio_fault || interrupt_fault;

  app_mmio #(
      .DATA_W(DATA_W),
      .NUM_TDI(NUM_TDI),
      .TDI_W(TDI_W),
      .STREAM_W(STREAM_W),
      .MAX_PAYLOAD(MAX_PAYLOAD)
  ) u_mmio (
      .clk             (clk),
      .rst             (rst),
      .fault           (mmio_fault),
      .pf_rid          (pf_rid),
      .state_changed   (state_changed),
      .scrub_busy      (scrub_busy),
      .max_payload_size(max_payload_size),
      .active          (active),
      .mmio_hdr        (mmio_hdr),
      .mmio_tdata      (mmio_tdata),
      .mmio_tvalid     (mmio_tvalid),
      .mmio_tready     (mmio_tready),
      .mmio_tlast      (mmio_tlast),
      .mmio_ide        (mmio_ide),
      .mmio_t          (mmio_t),
      .mmio_stream     (mmio_stream),
      .mmio_tdi        (mmio_tdi),
      .mmio_bar        (mmio_bar),
      .mmio_offset     (mmio_offset),
      .appcpl_hdr      (appcpl_hdr),
      .appcpl_tdata    (appcpl_tdata),
      .appcpl_tkeep    (appcpl_tkeep),
      .appcpl_tvalid   (appcpl_tvalid),
      .appcpl_tready   (appcpl_tready),
      .appcpl_tlast    (appcpl_tlast),
      .appcpl_ide      (appcpl_ide),
      .appcpl_t        (appcpl_t),
      .appcpl_stream   (appcpl_stream),
      .access_tdi      (access_tdi),
      .access_bar      (access_bar),
      .access_rom      (access_rom),
      .access_second   (access_second),
      .mem_write_valid (mem_write_valid),
      .mem_write_ready (mem_write_ready),
      .mem_write_be    (mem_write_be),
      .mem_write_dw    (mem_write_dw),
      .mem_write_data  (mem_write_data),
      .mem_read_valid  (mem_read_valid),
      .mem_read_ready  (mem_read_ready),
      .mem_read_dw     (mem_read_dw),
      .mem_read_answer (mem_read_answer),
      .mem_read_data   (mem_read_data),
      .reg_write       (reg_write),
      .reg_write_ready (!sweep_step && !table_busy),
      .reg_read        (reg_read),
      .reg_dw          (reg_dw),
      .reg_write_data  (reg_write_data),
      .reg_write_be    (reg_write_be),
      .reg_read_data   (access_bar ? msix_read_data : access_rom ? rom_read_data : regs_read_data)
  );

  app_rom #(
      .VENDOR_ID(VENDOR_ID),
      .DEVICE_ID(DEVICE_ID)
  ) u_rom (
      .clk      (clk),
      .read_req (reg_read && access_rom),
      .read_dw  (reg_dw),
      .read_data(rom_read_data)
  );

  app_regs #(
      .NUM_TDI(NUM_TDI),
      .TDI_W  (TDI_W)
  ) u_regs (
      .clk            (clk),
      .rst            (rst),
      .write_req      (reg_write && !access_bar && !access_rom),
      .read_req       (reg_read && !access_bar),
      .public_page    (access_second),
      .access_tdi     (access_tdi),
      .access_dw      (reg_dw),
      .write_data     (reg_write_data),
      .write_be       (reg_write_be),
      .read_data      (regs_read_data),
      .sweep_step     (sweep_step),
      .sweep_tdi      (sweep_tdi),
      .sweep_word     (sweep_word),
      .start_req      (start_req),
      .start_to_host  (start_to_host),
      .start_interrupt(start_interrupt),
      .start_attr     (start_attr),
      .start_atomic   (start_atomic),
      .start_translate(start_translate),
      .start_hint     (start_hint),
      .start_pasid    (start_pasid),
      .length         (length),
      .host_address   (host_address),
      .device_address (device_address),
      .vector         (vector),
      .pasid          (pasid),
      .page_start_req (page_start_req),
      .page_status    (page_status),
      .busy           (busy),
      .done_req       (done_req),
      .error_req      (error_req)
  );

  app_interrupts #(
      .NUM_TDI(NUM_TDI),
      .TDI_W  (TDI_W)
  ) u_interrupts (
      .clk               (clk),
      .rst               (rst),
      .fault             (interrupt_fault),
      .msix_enable       (msix_enable),
      .msix_function_mask(msix_function_mask),
      .msi_control       (msi_control),
      .msi_pending       (msi_pending),
      .msi_tdi           (msi_tdi),
      .msi_message       (msi_message),
      .may_send          (may_interrupt),
      .forget_req        (takes_table),
      .owing             (interrupts_owing),
      .busy              (table_busy),
      .write_req         (reg_write && access_bar),
      .read_req          (reg_read && access_bar),
      .pba_page          (access_second),
      .access_tdi        (access_tdi),
      .access_dw         (reg_dw),
      .write_data        (reg_write_data),
      .write_be          (reg_write_be),
      .read_data         (msix_read_data),
      .sweep_step        (sweep_step),
      .sweep_tdi         (sweep_tdi),
      .sweep_word        (sweep_word[1:0]),
      .event_req         (event_req),
      .event_vector_1    (event_vector_1),
      .event_vector_0    (event_vector_0),
      .message_valid     (message_valid),
      .message_ready     (message_ready),
      .message_msi       (message_msi),
      .message_tdi       (message_tdi),
      .message_address   (message_address),
      .message_data      (message_data)
  );

endmodule

`default_nettype wire
