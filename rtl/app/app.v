// SPDX-License-Identifier: Apache-2.0
//
// app: the function under protection, once for each TDI: registers, memory, a DMA engine and interrupts.
//
// Functions share the data path and nothing else. What belongs to the past of a function - it was
// told to quiesce, is being cleared, or its TDI changed state - is aborted in that cycle and its
// late Completions are discarded; interrupts that are due still leave before it counts as drained.
// Only clearing removes data (TDISP-ZERO-001, TDISP-STOP-003).

`default_nettype none
`include "tdisp_defs.vh"

module app #(
    parameter DATA_W      = 128,
    parameter NUM_TDI     = 4,
    parameter TDI_W       = 2,
    parameter STREAM_W    = 1,
    parameter MAX_PAYLOAD = 512,
    parameter CPL_TIMEOUT = 100000,
    parameter PRI_EN      = 0,         // Page Requests
    parameter SDI_EN      = 0,
    parameter VENDOR_ID   = 16'h1234,
    parameter DEVICE_ID   = 16'h7d15
) (
    input wire clk,
    input wire rst,

    // Configuration of the functions
    input wire [15:0] pf_rid,  // Requester ID of TDI 0; of TDI n: pf_rid + n
    input wire [NUM_TDI-1:0] tdi_bme,
    input wire [2:0] max_payload_size,
    input wire [2:0] max_read_request_size,
    input wire no_snoop_enable,  // of the PF, for all functions
    input wire relaxed_ordering_enable,
    input wire id_ordering_enable,
    input wire atomic_enable,  // the same
    input wire [NUM_TDI-1:0] hint_enable,  // TPH
    input wire [NUM_TDI-1:0] ats_enable,
    input wire pasid_enable,  // of the PF, for all functions
    input wire [NUM_TDI-1:0] msix_enable,
    input wire [NUM_TDI-1:0] msix_function_mask,

    // Interrupts by MSI; see app_msi
    input  wire [7*NUM_TDI-1:0] msi_control,
    output wire [4*NUM_TDI-1:0] msi_pending,
    output wire [    TDI_W-1:0] msi_tdi,
    input  wire [         79:0] msi_message,

    // TDIs
    input  wire [2*NUM_TDI-1:0] tdi_state,
    input  wire [  NUM_TDI-1:0] tdi_msix_locked,
    input  wire [  NUM_TDI-1:0] tdi_quiesce,
    input  wire [  NUM_TDI-1:0] tdi_hold,
    output wire [  NUM_TDI-1:0] tdi_drained,
    input  wire [  NUM_TDI-1:0] tdi_scrub_req,
    output wire [  NUM_TDI-1:0] tdi_scrub_busy,

    // Invalidate Requests: held until done, that is until nothing uses the translation any more
    input  wire             inval_valid,
    input  wire [TDI_W-1:0] inval_tdi,
    output wire             inval_done,

    // Page Request interface, which all functions share
    input  wire        pri_enable,
    input  wire [31:0] pri_allocation,
    input  wire        pri_reset_req,
    output wire        pri_idle,
    output wire        pri_response_failure,
    output wire        pri_unexpected_index,

    // Messages for function msgin_tdi, in the cycle in which they are taken
    input wire [       127:0] msgin_hdr,
    input wire                msgin_taken,
    input wire                msgin_ide,
    input wire                msgin_t,
    input wire [STREAM_W-1:0] msgin_stream,
    input wire [   TDI_W-1:0] msgin_tdi,

    // Admitted memory requests
    input  wire [        127:0] mmio_hdr,
    input  wire [   DATA_W-1:0] mmio_tdata,
    input  wire [DATA_W/32-1:0] mmio_tkeep,
    input  wire                 mmio_tvalid,
    output wire                 mmio_tready,
    input  wire                 mmio_tlast,
    input  wire                 mmio_ide,
    input  wire                 mmio_t,
    input  wire [ STREAM_W-1:0] mmio_stream,
    input  wire [    TDI_W-1:0] mmio_tdi,
    input  wire                 mmio_bar,
    input  wire [         16:0] mmio_offset,

    // Completions of them
    output wire [        127:0] appcpl_hdr,
    output wire [   DATA_W-1:0] appcpl_tdata,
    output wire [DATA_W/32-1:0] appcpl_tkeep,
    output wire                 appcpl_tvalid,
    input  wire                 appcpl_tready,
    output wire                 appcpl_tlast,
    output wire                 appcpl_ide,
    output wire                 appcpl_t,
    output wire [ STREAM_W-1:0] appcpl_stream,

    // Own requests, to the filter
    output wire [        127:0] appreq_hdr,
    output wire [   DATA_W-1:0] appreq_tdata,
    output wire [DATA_W/32-1:0] appreq_tkeep,
    output wire                 appreq_tvalid,
    input  wire                 appreq_tready,
    output wire                 appreq_tlast,
    output wire [    TDI_W-1:0] appreq_tdi,
    output wire                 appreq_msix,
    output wire                 appreq_msi,
    output wire [         20:0] appreq_pasid,   // valid, and the PASID
    input  wire                 appreq_denied,  // the three in the cycle after the last beat
    input  wire                 appreq_ide,     // how it has left
    input  wire [ STREAM_W-1:0] appreq_stream,

    // Completions of them
    input  wire [        127:0] cplin_hdr,
    input  wire [   DATA_W-1:0] cplin_tdata,
    input  wire [DATA_W/32-1:0] cplin_tkeep,
    input  wire                 cplin_tvalid,
    output wire                 cplin_tready,
    input  wire                 cplin_tlast,
    input  wire                 cplin_ide,
    input  wire                 cplin_t,
    input  wire [ STREAM_W-1:0] cplin_stream,

    // Errors, one-cycle pulses
    output reg                cpl_stream_error,
    output reg [STREAM_W-1:0] cpl_stream_error_stream,
    output reg [ NUM_TDI-1:0] cpl_error_event,
    output reg [         3:0] cpl_error_cause,          // valid with it
    output reg                aer_unexpected_cpl,
    output reg                aer_cpl_timeout
);

  localparam LANE_W = DATA_W == 128 ? 2 : DATA_W == 256 ? 3 : 4;
  localparam SWEEP_W = 10 - LANE_W;
  localparam BE_W = DATA_W / 8;

  generate
    if (NUM_TDI < 1 || NUM_TDI > 256) begin : g_check_num_tdi
      PARAM_ERROR_NUM_TDI_must_be_1_to_256 u_stop ();
    end
    if (MAX_PAYLOAD < 128 || MAX_PAYLOAD > 4096 || (MAX_PAYLOAD & (MAX_PAYLOAD - 1)) != 0)
    begin : g_check_max_payload
      PARAM_ERROR_MAX_PAYLOAD_must_be_a_power_of_2_from_128_to_4096 u_stop ();
    end
    if (CPL_TIMEOUT < 16 || CPL_TIMEOUT > 10000000) begin : g_check_cpl_timeout
      PARAM_ERROR_CPL_TIMEOUT_must_be_16_to_10000000 u_stop ();
    end
  endgenerate

  // ------------------------------------------------------------------ what each function may do
  wire [NUM_TDI-1:0] state_changed, run, may_dma, may_interrupt, takes_table, kill;

  app_states #(
      .NUM_TDI(NUM_TDI)
  ) u_states (
      .clk            (clk),
      .rst            (rst),
      .tdi_state      (tdi_state),
      .tdi_bme        (tdi_bme),
      .tdi_msix_locked(tdi_msix_locked),
      .tdi_quiesce    (tdi_quiesce),
      .scrub_busy     (tdi_scrub_busy),
      .state_changed  (state_changed),
      .run            (run),
      .may_dma        (may_dma),
      .may_interrupt  (may_interrupt),
      .takes_table    (takes_table),
      .kill           (kill)
  );

  // ------------------------------------------------------------------ wires
  wire scrub_fault, target_fault, dma_fault;
  wire sweep_valid, sweep_ready, sweep_step;
  wire [SWEEP_W-1:0] sweep_word;
  wire [TDI_W-1:0] sweep_tdi, access_tdi, cpl_write_tdi, dma_read_tdi, message_tdi;

  wire mmio_write_valid, mmio_write_ready, mmio_read_valid, mmio_read_ready, mmio_read_answer;
  wire cpl_write_valid, cpl_write_ready, dma_read_valid, dma_read_ready, dma_read_answer;
  wire [BE_W-1:0] mmio_write_be, cpl_write_be;
  wire [9:0] mmio_write_dw, mmio_read_dw, cpl_write_dw, dma_read_dw;
  wire [DATA_W-1:0] mmio_write_data, cpl_write_data, mem_read_data;

  wire [NUM_TDI-1:0] mmio_active, dma_active, interrupts_owing;
  wire [NUM_TDI-1:0] busy, done_req, error_req, event_req, event_vector_1, event_vector_0;
  wire start_req, start_to_host, start_interrupt;
  wire start_translate, start_pasid, page_start_req;
  wire [31:0] length, device_address, message_data;
  wire [63:0] host_address, message_address;
  wire [1:0] vector, start_atomic;
  wire [2:0] start_attr, start_hint, page_status;
  wire [19:0] pasid;

  wire [NUM_TDI-1:0] outstanding, dma_error_event;
  wire [3:0] dma_error_cause;

  wire message_valid, message_ready, message_msi;
  wire stream_error, unexpected, timeout_event;
  wire [STREAM_W-1:0] stream_error_stream;

  // A transfer that is held counts as drained between its requests.
  wire [ NUM_TDI-1:0] going = busy & ~tdi_hold;

  assign tdi_drained = ~(outstanding | going | dma_active | mmio_active | interrupts_owing);

  // ------------------------------------------------------------------ memory
  app_share #(
      .DATA_W (DATA_W),
      .NUM_TDI(NUM_TDI),
      .TDI_W  (TDI_W),
      .SWEEP_W(SWEEP_W)
  ) u_share (
      .clk             (clk),
      .rst             (rst),
      .sweep_valid     (sweep_valid),
      .sweep_ready     (sweep_ready),
      .sweep_step      (sweep_step),
      .sweep_tdi       (sweep_tdi),
      .sweep_word      (sweep_word),
      .mmio_tdi        (access_tdi),
      .mmio_write_valid(mmio_write_valid),
      .mmio_write_ready(mmio_write_ready),
      .mmio_write_be   (mmio_write_be),
      .mmio_write_dw   (mmio_write_dw),
      .mmio_write_data (mmio_write_data),
      .mmio_read_valid (mmio_read_valid),
      .mmio_read_ready (mmio_read_ready),
      .mmio_read_dw    (mmio_read_dw),
      .mmio_read_answer(mmio_read_answer),
      .cpl_write_valid (cpl_write_valid),
      .cpl_write_ready (cpl_write_ready),
      .cpl_write_tdi   (cpl_write_tdi),
      .cpl_write_be    (cpl_write_be),
      .cpl_write_dw    (cpl_write_dw),
      .cpl_write_data  (cpl_write_data),
      .dma_read_valid  (dma_read_valid),
      .dma_read_ready  (dma_read_ready),
      .dma_read_tdi    (dma_read_tdi),
      .dma_read_dw     (dma_read_dw),
      .dma_read_answer (dma_read_answer),
      .read_data       (mem_read_data)
  );

  app_scrub #(
      .NUM_TDI(NUM_TDI),
      .TDI_W  (TDI_W),
      .SWEEP_W(SWEEP_W)
  ) u_scrub (
      .clk        (clk),
      .rst        (rst),
      .fault      (scrub_fault),
      .scrub_req  (tdi_scrub_req),
      .awaited    (tdi_quiesce),
      .hold       (mmio_active | dma_active | busy),
      .scrub_busy (tdi_scrub_busy),
      .sweep_valid(sweep_valid),
      .sweep_ready(sweep_ready),
      .sweep_tdi  (sweep_tdi),
      .sweep_word (sweep_word)
  );

  // ------------------------------------------------------------------ software's side
  app_target #(
      .DATA_W(DATA_W),
      .NUM_TDI(NUM_TDI),
      .TDI_W(TDI_W),
      .STREAM_W(STREAM_W),
      .MAX_PAYLOAD(MAX_PAYLOAD),
      .VENDOR_ID(VENDOR_ID),
      .DEVICE_ID(DEVICE_ID)
  ) u_target (
      .clk               (clk),
      .rst               (rst),
      .fault             (target_fault),
      .pf_rid            (pf_rid),
      .state_changed     (state_changed),
      .may_interrupt     (may_interrupt),
      .takes_table       (takes_table),
      .scrub_busy        (tdi_scrub_busy),
      .max_payload_size  (max_payload_size),
      .active            (mmio_active),
      .interrupts_owing  (interrupts_owing),
      .mmio_hdr          (mmio_hdr),
      .mmio_tdata        (mmio_tdata),
      .mmio_tvalid       (mmio_tvalid),
      .mmio_tready       (mmio_tready),
      .mmio_tlast        (mmio_tlast),
      .mmio_ide          (mmio_ide),
      .mmio_t            (mmio_t),
      .mmio_stream       (mmio_stream),
      .mmio_tdi          (mmio_tdi),
      .mmio_bar          (mmio_bar),
      .mmio_offset       (mmio_offset),
      .appcpl_hdr        (appcpl_hdr),
      .appcpl_tdata      (appcpl_tdata),
      .appcpl_tkeep      (appcpl_tkeep),
      .appcpl_tvalid     (appcpl_tvalid),
      .appcpl_tready     (appcpl_tready),
      .appcpl_tlast      (appcpl_tlast),
      .appcpl_ide        (appcpl_ide),
      .appcpl_t          (appcpl_t),
      .appcpl_stream     (appcpl_stream),
      .access_tdi        (access_tdi),
      .mem_write_valid   (mmio_write_valid),
      .mem_write_ready   (mmio_write_ready),
      .mem_write_be      (mmio_write_be),
      .mem_write_dw      (mmio_write_dw),
      .mem_write_data    (mmio_write_data),
      .mem_read_valid    (mmio_read_valid),
      .mem_read_ready    (mmio_read_ready),
      .mem_read_dw       (mmio_read_dw),
      .mem_read_answer   (mmio_read_answer),
      .mem_read_data     (mem_read_data),
      .sweep_step        (sweep_step),
      .sweep_tdi         (sweep_tdi),
      .sweep_word        (sweep_word[3:0]),
      .start_req         (start_req),
      .start_to_host     (start_to_host),
      .start_interrupt   (start_interrupt),
      .start_attr        (start_attr),
      .start_atomic      (start_atomic),
      .start_translate   (start_translate),
      .start_pasid       (start_pasid),
      .start_hint        (start_hint),
      .length            (length),
      .host_address      (host_address),
      .device_address    (device_address),
      .vector            (vector),
      .pasid             (pasid),
      .page_start_req    (page_start_req),
      .page_status       (page_status),
      .busy              (busy),
      .done_req          (done_req),
      .error_req         (error_req),
      .msix_enable       (msix_enable),
      .msix_function_mask(msix_function_mask),
      .msi_control       (msi_control),
      .msi_pending       (msi_pending),
      .msi_tdi           (msi_tdi),
      .msi_message       (msi_message),
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

  // ------------------------------------------------------------------ the link's side
  app_dma #(
      .DATA_W(DATA_W),
      .NUM_TDI(NUM_TDI),
      .TDI_W(TDI_W),
      .STREAM_W(STREAM_W),
      .MAX_PAYLOAD(MAX_PAYLOAD),
      .CPL_TIMEOUT(CPL_TIMEOUT),
      .PRI_EN(PRI_EN),
      .SDI_EN(SDI_EN)
  ) u_dma (
      .clk                  (clk),
      .rst                  (rst),
      .pf_rid               (pf_rid),
      .run                  (run),
      .max_payload_size     (max_payload_size),
      .max_read_request_size(max_read_request_size),
      .attr_enable          ({id_ordering_enable, relaxed_ordering_enable, no_snoop_enable}),
      .atomic_enable        (atomic_enable),
      .hint_enable          (hint_enable),
      .ats_enable           (ats_enable),
      .pasid_enable         (pasid_enable),
      .may_dma              (may_dma),
      .kill                 (kill),
      .hold                 (tdi_hold),
      .active               (dma_active),
      .outstanding          (outstanding),
      .start_req            (start_req),
      .start_tdi            (access_tdi),
      .start_to_host        (start_to_host),
      .start_interrupt      (start_interrupt),
      .start_attr           (start_attr),
      .start_atomic         (start_atomic),
      .start_translate      (start_translate),
      .start_pasid          (start_pasid),
      .start_hint           (start_hint),
      .length               (length),
      .host_address         (host_address),
      .device_address       (device_address),
      .vector               (vector),
      .pasid                (pasid),
      .page_start_req       (page_start_req),
      .page_status          (page_status),
      .pri_enable           (pri_enable),
      .pri_allocation       (pri_allocation),
      .pri_reset_req        (pri_reset_req),
      .pri_idle             (pri_idle),
      .pri_response_failure (pri_response_failure),
      .pri_unexpected_index (pri_unexpected_index),
      .msgin_hdr            (msgin_hdr),
      .msgin_taken          (msgin_taken),
      .msgin_ide            (msgin_ide),
      .msgin_t              (msgin_t),
      .msgin_stream         (msgin_stream),
      .msgin_tdi            (msgin_tdi),
      .busy                 (busy),
      .done_req             (done_req),
      .error_req            (error_req),
      .event_req            (event_req),
      .event_vector_1       (event_vector_1),
      .event_vector_0       (event_vector_0),
      .sweep_step           (sweep_step),
      .sweep_tdi            (sweep_tdi),
      .inval_valid          (inval_valid),
      .inval_tdi            (inval_tdi),
      .inval_done           (inval_done),
      .message_valid        (message_valid),
      .message_ready        (message_ready),
      .message_msi          (message_msi),
      .message_tdi          (message_tdi),
      .message_address      (message_address),
      .message_data         (message_data),
      .mem_read_valid       (dma_read_valid),
      .mem_read_ready       (dma_read_ready),
      .mem_read_tdi         (dma_read_tdi),
      .mem_read_dw          (dma_read_dw),
      .mem_read_answer      (dma_read_answer),
      .mem_read_data        (mem_read_data),
      .mem_write_valid      (cpl_write_valid),
      .mem_write_ready      (cpl_write_ready),
      .mem_write_tdi        (cpl_write_tdi),
      .mem_write_be         (cpl_write_be),
      .mem_write_dw         (cpl_write_dw),
      .mem_write_data       (cpl_write_data),
      .appreq_hdr           (appreq_hdr),
      .appreq_tdata         (appreq_tdata),
      .appreq_tkeep         (appreq_tkeep),
      .appreq_tvalid        (appreq_tvalid),
      .appreq_tready        (appreq_tready),
      .appreq_tlast         (appreq_tlast),
      .appreq_tdi           (appreq_tdi),
      .appreq_msix          (appreq_msix),
      .appreq_msi           (appreq_msi),
      .appreq_pasid         (appreq_pasid),
      .appreq_denied        (appreq_denied),
      .appreq_ide           (appreq_ide),
      .appreq_stream        (appreq_stream),
      .cplin_hdr            (cplin_hdr),
      .cplin_tdata          (cplin_tdata),
      .cplin_tvalid         (cplin_tvalid),
      .cplin_tready         (cplin_tready),
      .cplin_tlast          (cplin_tlast),
      .cplin_ide            (cplin_ide),
      .cplin_t              (cplin_t),
      .cplin_stream         (cplin_stream),
      .fault                (dma_fault),
      .stream_error         (stream_error),
      .stream_error_stream  (stream_error_stream),
      .error_event          (dma_error_event),
      .error_cause          (dma_error_cause),
      .timeout_event        (timeout_event),
      .unexpected           (unexpected)
  );

  // ------------------------------------------------------------------ errors
  wire fault = scrub_fault || target_fault || dma_fault;

  always @(posedge clk) begin
    if (rst) begin
      cpl_stream_error   <= 1'b0;
      cpl_error_event    <= {NUM_TDI{1'b0}};
      aer_unexpected_cpl <= 1'b0;
      aer_cpl_timeout    <= 1'b0;
    end else begin
      cpl_stream_error   <= stream_error;
      // A broken state machine may have served anybody: every locked TDI stops.
      cpl_error_event    <= dma_error_event | {NUM_TDI{fault}};
      aer_unexpected_cpl <= unexpected;
      aer_cpl_timeout    <= timeout_event;
    end
    cpl_error_cause         <= fault ? `TDISP_CAUSE_DSM_FAULT : dma_error_cause;
    cpl_stream_error_stream <= stream_error_stream;
  end

  // Length, not the lane enables, says how much data there is.
  wire unused = &{1'b0, mmio_tkeep, cplin_tkeep};

endmodule

`default_nettype wire
