// SPDX-License-Identifier: Apache-2.0
//
// app_reads: the reads and AtomicOps that are out, and the Completions that answer them.
//
// app_tags knows what each tag stands for, app_cpl holds a Completion against it and stores its data:
// only what fits a read of this life on its way in every field counts (TDISP-DMA-004, 005).

`default_nettype none

module app_reads #(
    parameter DATA_W      = 128,
    parameter NUM_TDI     = 4,
    parameter TDI_W       = 2,
    parameter NUM_TAGS    = 16,
    parameter TAG_W       = 4,
    parameter STREAM_W    = 1,
    parameter CPL_TIMEOUT = 100000,
    parameter SDI_EN      = 0
) (
    input wire clk,
    input wire rst,

    output wire fault,  // the state machine was in no state of its own

    // Functions
    input  wire [       15:0] pf_rid,
    input  wire [NUM_TDI-1:0] run,          // TDIs in RUN
    input  wire [NUM_TDI-1:0] kill,         // what is going on is past
    output wire [NUM_TDI-1:0] may_read,     // there is a tag
    output wire [NUM_TDI-1:0] waiting,      // for a read that is wanted
    output wire [NUM_TDI-1:0] outstanding,  // reads not accounted for
    output wire [NUM_TDI-1:0] completing,   // a Completion is in work

    // A read has left
    output wire [   TAG_W-1:0] free_tag,
    input  wire                alloc_req,
    input  wire [   TAG_W-1:0] alloc_tag,
    input  wire [   TDI_W-1:0] alloc_tdi,
    input  wire                alloc_dead,    // nobody wants it any more
    input  wire                alloc_ide,
    input  wire [STREAM_W-1:0] alloc_stream,
    input  wire [        10:0] alloc_count,
    input  wire [         9:0] alloc_dw,
    input  wire [         4:0] alloc_low,
    input  wire                alloc_asks,    // for a translation
    input  wire                alloc_uses,    // a translation

    // Translations
    input  wire [NUM_TDI-1:0] outdated,  // what was asked for counts no more
    output wire [NUM_TDI-1:0] asking,
    input  wire [  TDI_W-1:0] use_tdi,
    output wire               in_use,    // function use_tdi has requests by a translation out

    // Completions
    input  wire [       127:0] cplin_hdr,
    input  wire [  DATA_W-1:0] cplin_tdata,
    input  wire                cplin_tvalid,
    output wire                cplin_tready,
    input  wire                cplin_tlast,
    input  wire                cplin_ide,
    input  wire                cplin_t,
    input  wire [STREAM_W-1:0] cplin_stream,

    // What they bring: data for memory pages, a translation of function write_tdi
    output wire                write_valid,
    input  wire                write_ready,
    output wire [   TDI_W-1:0] write_tdi,
    output wire [DATA_W/8-1:0] write_be,
    output wire [         9:0] write_dw,
    output wire [  DATA_W-1:0] write_data,
    output wire                fill_req,
    output wire [        63:0] fill_entry,

    // Errors
    output wire [ NUM_TDI-1:0] fail_req,             // the transfer fails
    output wire [ NUM_TDI-1:0] error_event,          // a wanted read of a running TDI failed
    output wire [         3:0] error_cause,          // valid with it
    output wire [ NUM_TDI-1:0] timeout_req,          // a wanted read was lost
    output wire                timeout_event,        // any read was lost
    output wire                stream_error,
    output wire [STREAM_W-1:0] stream_error_stream,
    output wire                unexpected
);

  wire [TAG_W-1:0] look_tag;
  wire [TDI_W-1:0] look_tdi;
  wire [STREAM_W-1:0] look_stream;
  wire [10:0] look_left, take_count;
  wire [9:0] look_dw;
  wire [4:0] look_low;
  wire look_used, look_late, look_dead, look_asks, look_stale, look_ide;
  wire hold_valid, take_req, take_all;

  app_tags #(
      .NUM_TDI(NUM_TDI),
      .TDI_W(TDI_W),
      .NUM_TAGS(NUM_TAGS),
      .TAG_W(TAG_W),
      .STREAM_W(STREAM_W),
      .CPL_TIMEOUT(CPL_TIMEOUT)
  ) u_tags (
      .clk          (clk),
      .rst          (rst),
      .kill         (kill),
      .may_read     (may_read),
      .free_tag     (free_tag),
      .alloc_req    (alloc_req),
      .alloc_tag    (alloc_tag),
      .alloc_tdi    (alloc_tdi),
      .alloc_dead   (alloc_dead),
      .alloc_ide    (alloc_ide),
      .alloc_stream (alloc_stream),
      .alloc_count  (alloc_count),
      .alloc_dw     (alloc_dw),
      .alloc_low    (alloc_low),
      .alloc_asks   (alloc_asks),
      .alloc_uses   (alloc_uses),
      .outdated     (outdated),
      .asking       (asking),
      .use_tdi      (use_tdi),
      .in_use       (in_use),
      .look_tag     (look_tag),
      .look_used    (look_used),
      .look_late    (look_late),
      .look_dead    (look_dead),
      .look_tdi     (look_tdi),
      .look_asks    (look_asks),
      .look_stale   (look_stale),
      .look_ide     (look_ide),
      .look_stream  (look_stream),
      .look_left    (look_left),
      .look_dw      (look_dw),
      .look_low     (look_low),
      .hold_valid   (hold_valid),
      .hold_tag     (look_tag),
      .take_req     (take_req),
      .take_all     (take_all),
      .take_count   (take_count),
      .waiting      (waiting),
      .outstanding  (outstanding),
      .timeout_req  (timeout_req),
      .timeout_event(timeout_event)
  );

  app_cpl #(
      .DATA_W(DATA_W),
      .NUM_TDI(NUM_TDI),
      .TDI_W(TDI_W),
      .NUM_TAGS(NUM_TAGS),
      .TAG_W(TAG_W),
      .STREAM_W(STREAM_W),
      .SDI_EN(SDI_EN)
  ) u_cpl (
      .clk                    (clk),
      .rst                    (rst),
      .fault                  (fault),
      .pf_rid                 (pf_rid),
      .run                    (run),
      .kill                   (kill),
      .active                 (completing),
      .cplin_hdr              (cplin_hdr),
      .cplin_tdata            (cplin_tdata),
      .cplin_tvalid           (cplin_tvalid),
      .cplin_tready           (cplin_tready),
      .cplin_tlast            (cplin_tlast),
      .cplin_ide              (cplin_ide),
      .cplin_t                (cplin_t),
      .cplin_stream           (cplin_stream),
      .look_tag               (look_tag),
      .look_used              (look_used),
      .look_late              (look_late),
      .look_dead              (look_dead),
      .look_tdi               (look_tdi),
      .look_asks              (look_asks),
      .look_stale             (look_stale),
      .look_ide               (look_ide),
      .look_stream            (look_stream),
      .look_left              (look_left),
      .look_dw                (look_dw),
      .look_low               (look_low),
      .hold_valid             (hold_valid),
      .take_req               (take_req),
      .take_all               (take_all),
      .take_count             (take_count),
      .write_valid            (write_valid),
      .write_ready            (write_ready),
      .write_tdi              (write_tdi),
      .write_be               (write_be),
      .write_dw               (write_dw),
      .write_data             (write_data),
      .fill_req               (fill_req),
      .fill_entry             (fill_entry),
      .fail_req               (fail_req),
      .cpl_error_event        (error_event),
      .cpl_error_cause        (error_cause),
      .cpl_stream_error       (stream_error),
      .cpl_stream_error_stream(stream_error_stream),
      .aer_unexpected_cpl     (unexpected)
  );

endmodule

`default_nettype wire
