// SPDX-License-Identifier: Apache-2.0
//
// app_dma: the link side of all functions: transfers, their requests, tags and Completions.

`default_nettype none
`include "tdisp_defs.vh"

module app_dma #(
    parameter DATA_W      = 128,
    parameter NUM_TDI     = 4,
    parameter TDI_W       = 2,
    parameter STREAM_W    = 1,
    parameter MAX_PAYLOAD = 512,
    parameter CPL_TIMEOUT = 100000,
    parameter PRI_EN      = 0,
    parameter SDI_EN      = 0
) (
    input wire clk,
    input wire rst,

    // Functions
    input  wire [       15:0] pf_rid,
    input  wire [NUM_TDI-1:0] run,                    // TDIs in RUN
    input  wire [        2:0] max_payload_size,
    input  wire [        2:0] max_read_request_size,
    input  wire [        2:0] attr_enable,            // that the host lets requests have
    input  wire               atomic_enable,
    input  wire [NUM_TDI-1:0] hint_enable,            // Processing Hints
    input  wire [NUM_TDI-1:0] ats_enable,
    input  wire               pasid_enable,
    input  wire [NUM_TDI-1:0] may_dma,                // state and Bus Master Enable
    input  wire [NUM_TDI-1:0] kill,                   // what is going on is past
    input  wire [NUM_TDI-1:0] hold,                   // nothing new is sent
    output wire [NUM_TDI-1:0] active,                 // a TLP of the function is in work
    output wire [NUM_TDI-1:0] outstanding,            // reads not accounted for

    // Registers
    input  wire               start_req,
    input  wire [  TDI_W-1:0] start_tdi,
    input  wire               start_to_host,
    input  wire               start_interrupt,
    input  wire [        2:0] start_attr,
    input  wire [        1:0] start_atomic,
    input  wire               start_translate,
    input  wire               start_pasid,
    input  wire [        2:0] start_hint,
    input  wire [       31:0] length,           // from the next cycle on
    input  wire [       63:0] host_address,
    input  wire [       31:0] device_address,
    input  wire [        1:0] vector,
    input  wire [       19:0] pasid,
    output wire [NUM_TDI-1:0] busy,
    output wire [NUM_TDI-1:0] done_req,
    output wire [NUM_TDI-1:0] error_req,
    output wire [NUM_TDI-1:0] event_req,
    output wire [NUM_TDI-1:0] event_vector_1,
    output wire [NUM_TDI-1:0] event_vector_0,
    input  wire               sweep_step,
    input  wire [  TDI_W-1:0] sweep_tdi,

    // Invalidate Requests, held until done
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
    input  wire [       127:0] msgin_hdr,
    input  wire                msgin_taken,
    input  wire                msgin_ide,
    input  wire                msgin_t,
    input  wire [STREAM_W-1:0] msgin_stream,
    input  wire [   TDI_W-1:0] msgin_tdi,
    input  wire                page_start_req,
    output wire [         2:0] page_status,     // of start_tdi

    // Interrupt messages
    input  wire             message_valid,
    output wire             message_ready,
    input  wire             message_msi,      // by MSI, else by MSI-X
    input  wire [TDI_W-1:0] message_tdi,
    input  wire [     63:0] message_address,
    input  wire [     31:0] message_data,

    // Memory pages
    output wire                mem_read_valid,
    input  wire                mem_read_ready,
    output wire [   TDI_W-1:0] mem_read_tdi,
    output wire [         9:0] mem_read_dw,
    input  wire                mem_read_answer,
    input  wire [  DATA_W-1:0] mem_read_data,
    output wire                mem_write_valid,
    input  wire                mem_write_ready,
    output wire [   TDI_W-1:0] mem_write_tdi,
    output wire [DATA_W/8-1:0] mem_write_be,
    output wire [         9:0] mem_write_dw,
    output wire [  DATA_W-1:0] mem_write_data,

    // Requests
    output wire [        127:0] appreq_hdr,
    output wire [   DATA_W-1:0] appreq_tdata,
    output wire [DATA_W/32-1:0] appreq_tkeep,
    output wire                 appreq_tvalid,
    input  wire                 appreq_tready,
    output wire                 appreq_tlast,
    output wire [    TDI_W-1:0] appreq_tdi,
    output wire                 appreq_msix,
    output wire                 appreq_msi,
    output wire [         20:0] appreq_pasid,
    input  wire                 appreq_denied,
    input  wire                 appreq_ide,
    input  wire [ STREAM_W-1:0] appreq_stream,

    // Completions
    input  wire [       127:0] cplin_hdr,
    input  wire [  DATA_W-1:0] cplin_tdata,
    input  wire                cplin_tvalid,
    output wire                cplin_tready,
    input  wire                cplin_tlast,
    input  wire                cplin_ide,
    input  wire                cplin_t,
    input  wire [STREAM_W-1:0] cplin_stream,

    // Errors
    output wire                fault,
    output wire                stream_error,
    output wire [STREAM_W-1:0] stream_error_stream,
    output wire [ NUM_TDI-1:0] error_event,          // to a running TDI
    output wire [         3:0] error_cause,          // valid with it
    output wire                timeout_event,        // any read was lost
    output wire                unexpected
);

  // At most 32, so that it does not matter whether the host enables extended tags.
  localparam NUM_TAGS = 4 * NUM_TDI > 32 ? 32 : 4 * NUM_TDI;
  localparam TAG_W = NUM_TDI == 1 ? 2 : TDI_W + 2 > 5 ? 5 : TDI_W + 2;

  wire sender_fault, cpl_fault;
  wire [NUM_TDI-1:0] sending, completing, want_write, want_read, denied_req, cpl_fail_req;
  wire [TDI_W-1:0] select;
  wire select_req, sent_req;
  wire [63:2] select_host;
  wire [ 9:0] select_dw;
  wire [10:0] select_left, sent_count;
  wire [ 2:0] select_attr;
  wire [ 1:0] select_atomic;
  wire [20:0] select_pasid;
  wire [ 2:0] select_hint;

  wire [NUM_TDI-1:0] may_read, waiting;
  wire alloc_req, alloc_dead, alloc_ide;
  wire [TAG_W-1:0] free_tag, alloc_tag;
  wire [TDI_W-1:0] alloc_tdi;
  wire [STREAM_W-1:0] alloc_stream;
  wire [10:0] alloc_count;
  wire [9:0] alloc_dw;
  wire [4:0] alloc_low;
  wire alloc_asks, alloc_uses;

  localparam [NUM_TDI-1:0] ONE = 1;
  wire [NUM_TDI-1:0] translates, writes, want_translation, translation_valid, asking;
  wire [NUM_TDI-1:0] other_space;
  wire [NUM_TDI-1:0] invalidating = inval_valid ? ONE << inval_tdi : {NUM_TDI{1'b0}};
  wire [NUM_TDI-1:0] worthless = ~ats_enable | invalidating;  // no translation counts now
  wire ask_req, forget_req, fill_req, in_use;
  wire translation_hit, translation_reads, translation_writes, translation_read_only;
  wire ask_no_write;
  wire [63:12] translated;
  wire [63:0] fill_entry;

  wire pages_fault;
  wire [NUM_TDI-1:0] page_sending, page_error_event, cpl_error_event, timeout_req;
  wire [3:0] cpl_error_cause;
  wire [3:0] read_cause = |cpl_error_event ? cpl_error_cause : `TDISP_CAUSE_COMPLETION;
  wire [127:0] sender_hdr;
  wire [DATA_W-1:0] sender_tdata;
  wire [DATA_W/32-1:0] sender_tkeep;
  wire sender_tvalid, sender_tready, sender_tlast, sender_msix, sender_msi;
  wire [TDI_W-1:0] sender_tdi;
  wire [20:0] sender_pasid;

  assign error_event  = page_error_event | cpl_error_event | (timeout_req & run);
  assign error_cause  = |page_error_event ? `TDISP_CAUSE_ATS : read_cause;

  // Nothing of the function uses the old translation any more, and nothing will.
  assign inval_done   = inval_valid && !in_use && !sending[inval_tdi];
  assign fault        = sender_fault || cpl_fault || pages_fault;
  assign active       = sending | completing | page_sending;
  assign mem_read_tdi = select;

  app_transfers #(
      .NUM_TDI(NUM_TDI),
      .TDI_W  (TDI_W)
  ) u_transfers (
      .clk             (clk),
      .rst             (rst),
      .may_send        (may_dma),
      .kill            (kill),
      .hold            (hold),
      .start_req       (start_req),
      .start_tdi       (start_tdi),
      .start_to_host   (start_to_host),
      .start_interrupt (start_interrupt),
      .start_attr      (start_attr),
      .start_atomic    (start_atomic),
      .start_translate (start_translate),
      .start_pasid     (start_pasid),
      .start_hint      (start_hint),
      .length          (length),
      .host_address    (host_address),
      .device_address  (device_address),
      .vector          (vector),
      .pasid           (pasid),
      .busy            (busy),
      .done_req        (done_req),
      .error_req       (error_req),
      .event_req       (event_req),
      .event_vector_1  (event_vector_1),
      .event_vector_0  (event_vector_0),
      .sweep_step      (sweep_step),
      .sweep_tdi       (sweep_tdi),
      .may_read        (may_read),
      .ats_enable      (ats_enable),
      .pasid_enable    (pasid_enable),
      .translated      (translation_valid),
      .asking          (asking),
      .invalidating    (invalidating),
      .translates      (translates),
      .want_translation(want_translation),
      .writes          (writes),
      .other_space     (other_space),
      .waiting         (waiting),
      .fail_req        (denied_req | cpl_fail_req | timeout_req),
      .want_write      (want_write),
      .want_read       (want_read),
      .sending         (sending),
      .select_req      (select_req),
      .select          (select),
      .select_host     (select_host),
      .select_dw       (select_dw),
      .select_left     (select_left),
      .select_attr     (select_attr),
      .select_atomic   (select_atomic),
      .select_pasid    (select_pasid),
      .select_hint     (select_hint),
      .sent_req        (sent_req),
      .sent_count      (sent_count)
  );

  app_sender #(
      .DATA_W(DATA_W),
      .NUM_TDI(NUM_TDI),
      .TDI_W(TDI_W),
      .TAG_W(TAG_W),
      .STREAM_W(STREAM_W),
      .MAX_PAYLOAD(MAX_PAYLOAD)
  ) u_sender (
      .clk                  (clk),
      .rst                  (rst),
      .fault                (sender_fault),
      .pf_rid               (pf_rid),
      .max_payload_size     (max_payload_size),
      .max_read_request_size(max_read_request_size),
      .attr_enable          (attr_enable),
      .atomic_enable        (atomic_enable),
      .hint_enable          (hint_enable),
      .kill                 (kill),
      .want_write           (want_write),
      .want_read            (want_read),
      .sending              (sending),
      .select_req           (select_req),
      .select               (select),
      .select_host          (select_host),
      .select_dw            (select_dw),
      .select_left          (select_left),
      .select_attr          (select_attr),
      .select_atomic        (select_atomic),
      .select_pasid         (select_pasid),
      .select_hint          (select_hint),
      .sent_req             (sent_req),
      .sent_count           (sent_count),
      .denied_req           (denied_req),
      .translates           (translates),
      .writes               (writes),
      .want_translation     (want_translation),
      .ask_req              (ask_req),
      .ask_no_write         (ask_no_write),
      .translation_hit      (translation_hit),
      .translation_reads    (translation_reads),
      .translation_writes   (translation_writes),
      .translation_read_only(translation_read_only),
      .translated           (translated),
      .forget_req           (forget_req),
      .message_valid        (message_valid),
      .message_ready        (message_ready),
      .message_msi          (message_msi),
      .message_tdi          (message_tdi),
      .message_address      (message_address),
      .message_data         (message_data),
      .free_tag             (free_tag),
      .alloc_req            (alloc_req),
      .alloc_tag            (alloc_tag),
      .alloc_tdi            (alloc_tdi),
      .alloc_dead           (alloc_dead),
      .alloc_ide            (alloc_ide),
      .alloc_stream         (alloc_stream),
      .alloc_count          (alloc_count),
      .alloc_dw             (alloc_dw),
      .alloc_low            (alloc_low),
      .alloc_asks           (alloc_asks),
      .alloc_uses           (alloc_uses),
      .mem_read_valid       (mem_read_valid),
      .mem_read_ready       (mem_read_ready),
      .mem_read_dw          (mem_read_dw),
      .mem_read_answer      (mem_read_answer),
      .mem_read_data        (mem_read_data),
      .appreq_hdr           (sender_hdr),
      .appreq_tdata         (sender_tdata),
      .appreq_tkeep         (sender_tkeep),
      .appreq_tvalid        (sender_tvalid),
      .appreq_tready        (sender_tready),
      .appreq_tlast         (sender_tlast),
      .appreq_tdi           (sender_tdi),
      .appreq_msix          (sender_msix),
      .appreq_msi           (sender_msi),
      .appreq_pasid         (sender_pasid),
      .appreq_denied        (appreq_denied),
      .appreq_ide           (appreq_ide),
      .appreq_stream        (appreq_stream)
  );

  app_pages #(
      .DATA_W  (DATA_W),
      .NUM_TDI (NUM_TDI),
      .TDI_W   (TDI_W),
      .STREAM_W(STREAM_W),
      .PRI_EN  (PRI_EN)
  ) u_pages (
      .clk                 (clk),
      .rst                 (rst),
      .fault               (pages_fault),
      .pri_enable          (pri_enable),
      .pri_allocation      (pri_allocation),
      .pri_reset_req       (pri_reset_req),
      .pri_idle            (pri_idle),
      .pri_response_failure(pri_response_failure),
      .pri_unexpected_index(pri_unexpected_index),
      .pf_rid              (pf_rid),
      .run                 (run),
      .may_ask             (may_dma),
      .kill                (kill),
      .sending             (page_sending),
      .error_event         (page_error_event),
      .start_req           (page_start_req),
      .start_tdi           (start_tdi),
      .start_write         (start_to_host),
      .start_pasid         (start_pasid),
      .host_address        (host_address),
      .pasid               (pasid),
      .sweep_step          (sweep_step),
      .sweep_tdi           (sweep_tdi),
      .status_tdi          (start_tdi),
      .status              (page_status),
      .msgin_hdr           (msgin_hdr),
      .msgin_taken         (msgin_taken),
      .msgin_ide           (msgin_ide),
      .msgin_t             (msgin_t),
      .msgin_stream        (msgin_stream),
      .msgin_tdi           (msgin_tdi),
      .sender_hdr          (sender_hdr),
      .sender_tdata        (sender_tdata),
      .sender_tkeep        (sender_tkeep),
      .sender_tvalid       (sender_tvalid),
      .sender_tready       (sender_tready),
      .sender_tlast        (sender_tlast),
      .sender_tdi          (sender_tdi),
      .sender_msix         (sender_msix),
      .sender_msi          (sender_msi),
      .sender_pasid        (sender_pasid),
      .appreq_hdr          (appreq_hdr),
      .appreq_tdata        (appreq_tdata),
      .appreq_tkeep        (appreq_tkeep),
      .appreq_tvalid       (appreq_tvalid),
      .appreq_tready       (appreq_tready),
      .appreq_tlast        (appreq_tlast),
      .appreq_tdi          (appreq_tdi),
      .appreq_msix         (appreq_msix),
      .appreq_msi          (appreq_msi),
      .appreq_pasid        (appreq_pasid),
      .appreq_denied       (appreq_denied),
      .appreq_ide          (appreq_ide),
      .appreq_stream       (appreq_stream)
  );

  app_atc #(
      .NUM_TDI(NUM_TDI),
      .TDI_W  (TDI_W)
  ) u_atc (
      .clk         (clk),
      .rst         (rst),
      .drop        (kill | worthless | other_space),
      .sweep_step  (sweep_step),
      .sweep_tdi   (sweep_tdi),
      .ask_req     (ask_req),
      .ask_tdi     (select),
      .ask_page    (select_host[63:12]),
      .ask_no_write(ask_no_write),
      .fill_req    (fill_req),
      .fill_tdi    (mem_write_tdi),
      .fill_entry  (fill_entry),
      .select_req  (select_req),
      .select      (select),
      .select_page (select_host[63:12]),
      .hit         (translation_hit),
      .may_read    (translation_reads),
      .may_write   (translation_writes),
      .read_only   (translation_read_only),
      .translated  (translated),
      .forget_req  (forget_req),
      .valid       (translation_valid)
  );

  app_reads #(
      .DATA_W(DATA_W),
      .NUM_TDI(NUM_TDI),
      .TDI_W(TDI_W),
      .NUM_TAGS(NUM_TAGS),
      .TAG_W(TAG_W),
      .STREAM_W(STREAM_W),
      .CPL_TIMEOUT(CPL_TIMEOUT),
      .SDI_EN(SDI_EN)
  ) u_reads (
      .clk                (clk),
      .rst                (rst),
      .fault              (cpl_fault),
      .pf_rid             (pf_rid),
      .run                (run),
      .kill               (kill),
      .may_read           (may_read),
      .waiting            (waiting),
      .outstanding        (outstanding),
      .completing         (completing),
      .free_tag           (free_tag),
      .alloc_req          (alloc_req),
      .alloc_tag          (alloc_tag),
      .alloc_tdi          (alloc_tdi),
      .alloc_dead         (alloc_dead),
      .alloc_ide          (alloc_ide),
      .alloc_stream       (alloc_stream),
      .alloc_count        (alloc_count),
      .alloc_dw           (alloc_dw),
      .alloc_low          (alloc_low),
      .alloc_asks         (alloc_asks),
      .alloc_uses         (alloc_uses),
      .outdated           (worthless),
      .asking             (asking),
      .use_tdi            (inval_tdi),
      .in_use             (in_use),
      .cplin_hdr          (cplin_hdr),
      .cplin_tdata        (cplin_tdata),
      .cplin_tvalid       (cplin_tvalid),
      .cplin_tready       (cplin_tready),
      .cplin_tlast        (cplin_tlast),
      .cplin_ide          (cplin_ide),
      .cplin_t            (cplin_t),
      .cplin_stream       (cplin_stream),
      .write_valid        (mem_write_valid),
      .write_ready        (mem_write_ready),
      .write_tdi          (mem_write_tdi),
      .write_be           (mem_write_be),
      .write_dw           (mem_write_dw),
      .write_data         (mem_write_data),
      .fill_req           (fill_req),
      .fill_entry         (fill_entry),
      .fail_req           (cpl_fail_req),
      .error_event        (cpl_error_event),
      .error_cause        (cpl_error_cause),
      .timeout_req        (timeout_req),
      .timeout_event      (timeout_event),
      .stream_error       (stream_error),
      .stream_error_stream(stream_error_stream),
      .unexpected         (unexpected)
  );
endmodule

`default_nettype wire
