// SPDX-License-Identifier: Apache-2.0
//
// ide_rx: from raw TLPs of the link to checked TLPs on the TLP bus, in order.
//
// parser -> front (stream, header checks, start of GCM) -> payload by way of the engine or past it
// -> judge (MAC, counters, verdict) -> buffer -> TLP bus. Several TLPs are under way at a time.

`default_nettype none

module ide_rx #(
    parameter DATA_W = 128,
    parameter NUM_IDE_STREAMS = 2,
    parameter STREAM_W = 1,
    parameter MAX_PAYLOAD = 512,
    parameter NUM_CTX = 12,
    parameter CTX_W = 4,
    parameter PASID_EN = 0
) (
    input  wire clk,
    input  wire rst,
    input  wire link_up,
    output wire fault,

    input  wire [  DATA_W-1:0] s_axis_rx_tdata,
    input  wire [DATA_W/8-1:0] s_axis_rx_tkeep,
    input  wire                s_axis_rx_tvalid,
    output wire                s_axis_rx_tready,
    input  wire                s_axis_rx_tlast,

    output wire [        127:0] rx_hdr,
    output wire [   DATA_W-1:0] rx_tdata,
    output wire [DATA_W/32-1:0] rx_tkeep,
    output wire                 rx_tvalid,
    input  wire                 rx_tready,
    output wire                 rx_tlast,
    output wire                 rx_ide,
    output wire                 rx_t,
    output wire [ STREAM_W-1:0] rx_stream,
    output wire [         20:0] rx_pasid,   // valid, and the PASID

    // Streams
    input  wire [  NUM_IDE_STREAMS-1:0] enable,
    input  wire [8*NUM_IDE_STREAMS-1:0] stream_id,
    input  wire [3*NUM_IDE_STREAMS-1:0] tc,
    input  wire [  NUM_IDE_STREAMS-1:0] secure,
    input  wire [3*NUM_IDE_STREAMS-1:0] active_set,
    input  wire [          NUM_CTX-1:0] ctx_ready,
    output wire [  NUM_IDE_STREAMS-1:0] check_failed,
    output wire [  NUM_IDE_STREAMS-1:0] fail_received,
    output wire [  NUM_IDE_STREAMS-1:0] toggle,
    output wire [                  1:0] toggle_sub,

    // Keys
    input  wire [NUM_CTX-1:0] erase,
    output wire [NUM_CTX-1:0] erasing,
    input  wire               key_valid,
    output wire               key_ready,
    input  wire [  CTX_W-1:0] key_ctx,
    input  wire [      255:0] key,

    output wire aer_check_failed,
    output wire aer_misrouted,
    output wire aer_malformed
);

  localparam LANES = DATA_W / 32;
  localparam JOBS = 8;  // TLPs under way
  localparam JOBS_W = 3;
  localparam JOB_W = 1 + 1 + 1 + 1 + 1 + 32 + 21 + 128 + 11;

  wire parser_fault, front_fault, judge_fault, engine_fault;
  assign fault = parser_fault || front_fault || judge_fault || engine_fault;

  // ----------------------------------------------------------------- parser

  wire hdr_valid, hdr_ready, hdr_ide, hdr_malformed;
  wire [31:0] hdr_prefix;
  wire [24:0] hdr_pasid;
  wire [127:0] hdr;
  wire [10:0] hdr_len;
  wire [DATA_W-1:0] data;
  wire [LANES-1:0] data_keep;
  wire data_last, data_valid, data_ready;
  wire end_valid, end_ready, end_malformed;
  wire [95:0] end_mac;

  tlp_parser #(
      .DATA_W     (DATA_W),
      .MAX_PAYLOAD(MAX_PAYLOAD),
      .PASID_EN   (PASID_EN)
  ) u_parser (
      .clk          (clk),
      .rst          (rst),
      .link_up      (link_up),
      .fault        (parser_fault),
      .s_axis_tdata (s_axis_rx_tdata),
      .s_axis_tkeep (s_axis_rx_tkeep),
      .s_axis_tvalid(s_axis_rx_tvalid),
      .s_axis_tready(s_axis_rx_tready),
      .s_axis_tlast (s_axis_rx_tlast),
      .hdr_valid    (hdr_valid),
      .hdr_ready    (hdr_ready),
      .hdr_ide      (hdr_ide),
      .hdr_prefix   (hdr_prefix),
      .hdr_pasid    (hdr_pasid),
      .hdr          (hdr),
      .hdr_len      (hdr_len),
      .hdr_malformed(hdr_malformed),
      .data         (data),
      .data_keep    (data_keep),
      .data_last    (data_last),
      .data_valid   (data_valid),
      .data_ready   (data_ready),
      .end_valid    (end_valid),
      .end_ready    (end_ready),
      .end_malformed(end_malformed),
      .end_mac      (end_mac)
  );

  // ----------------------------------------------------------------- front

  wire [CTX_W-1:0] read_ctx, start_ctx;
  wire [63:0] read_invocation, start_invocation;
  wire read_exhausted, start_valid, start_ready;
  wire [10:0] start_len;

  wire push_valid, push_ready, push_ide, push_matched, push_on_stream, push_stream_dead;
  wire push_gcm, push_key_dead, push_bad;
  wire [STREAM_W-1:0] push_stream;
  wire [CTX_W-1:0] push_ctx;
  wire [31:0] push_prefix;
  wire [20:0] job_pasid;
  wire [127:0] push_hdr;
  wire [10:0] push_len;

  ide_rx_front #(
      .NUM_IDE_STREAMS(NUM_IDE_STREAMS),
      .STREAM_W       (STREAM_W),
      .NUM_CTX        (NUM_CTX),
      .CTX_W          (CTX_W)
  ) u_front (
      .clk             (clk),
      .rst             (rst),
      .fault           (front_fault),
      .enable          (enable),
      .stream_id       (stream_id),
      .tc              (tc),
      .secure          (secure),
      .active_set      (active_set),
      .key_ready       (ctx_ready),
      .hdr_valid       (hdr_valid),
      .hdr_ready       (hdr_ready),
      .hdr_ide         (hdr_ide),
      .hdr_prefix      (hdr_prefix),
      .hdr             (hdr),
      .hdr_len         (hdr_len),
      .hdr_malformed   (hdr_malformed),
      .read_ctx        (read_ctx),
      .read_invocation (read_invocation),
      .read_exhausted  (read_exhausted),
      .start_valid     (start_valid),
      .start_ready     (start_ready),
      .start_ctx       (start_ctx),
      .start_invocation(start_invocation),
      .start_len       (start_len),
      .job_valid       (push_valid),
      .job_ready       (push_ready),
      .job_ide         (push_ide),
      .job_matched     (push_matched),
      .job_stream      (push_stream),
      .job_on_stream   (push_on_stream),
      .job_stream_dead (push_stream_dead),
      .job_gcm         (push_gcm),
      .job_ctx         (push_ctx),
      .job_key_dead    (push_key_dead),
      .job_bad         (push_bad),
      .job_prefix      (push_prefix),
      .job_hdr         (push_hdr),
      .job_len         (push_len)
  );

  // ----------------------------------------------------------------- payload

  // Where the payload of the next TLPs goes; TLPs without payload are not in here.
  wire push_payload = push_len != 11'd0;
  wire jobs_room, route_room, route_valid, route_gcm, route_plain, route_none;
  wire gcm_in_ready, plain_ready;

  assign push_ready = jobs_room && route_room;

  sync_fifo #(
      .W    (2),
      .DEPTH(JOBS)
  ) u_routes (
      .clk    (clk),
      .rst    (rst),
      .s_valid(push_valid && push_payload && jobs_room),
      .s_ready(route_room),
      .s_data ({push_gcm, !push_ide}),
      .m_valid(route_valid),
      .m_ready(data_valid && data_ready && data_last),
      .m_data ({route_gcm, route_plain}),
      .empty  (route_none)
  );

  assign data_ready = route_valid && (route_gcm ? gcm_in_ready : !route_plain || plain_ready);

  // ----------------------------------------------------------------- engine

  wire engine_key_valid, engine_key_ready, engine_clear_valid, engine_clear_ready;
  wire [ CTX_W-1:0] engine_clear_ctx;
  wire [DATA_W-1:0] gcm_data;
  wire gcm_last, gcm_valid, gcm_ready, tag_valid, tag_ready;
  wire [127:0] tag;

  ide_key_store #(
      .NUM_CTX(NUM_CTX),
      .CTX_W  (CTX_W)
  ) u_keys (
      .clk               (clk),
      .rst               (rst),
      .erase             (erase),
      .erasing           (erasing),
      .key_valid         (key_valid),
      .key_ready         (key_ready),
      .key_ctx           (key_ctx),
      .engine_key_valid  (engine_key_valid),
      .engine_key_ready  (engine_key_ready),
      .engine_clear_valid(engine_clear_valid),
      .engine_clear_ready(engine_clear_ready),
      .engine_clear_ctx  (engine_clear_ctx),
      .offered           (start_valid),
      .offered_ctx       (start_ctx),
      .invoked           (start_valid && start_ready),
      .read_ctx          (read_ctx),
      .read_invocation   (read_invocation),
      .read_exhausted    (read_exhausted)
  );

  gcm_lanes #(
      .DATA_W (DATA_W),
      .NUM_CTX(NUM_CTX),
      .CTX_W  (CTX_W)
  ) u_engine (
      .clk             (clk),
      .rst             (rst),
      .fault           (engine_fault),
      .key_valid       (engine_key_valid),
      .key_ready       (engine_key_ready),
      .key_ctx         (key_ctx),
      .key             (key),
      .key_clear_valid (engine_clear_valid),
      .key_clear_ready (engine_clear_ready),
      .key_clear_ctx   (engine_clear_ctx),
      .start_valid     (start_valid),
      .start_ready     (start_ready),
      .start_ctx       (start_ctx),
      .start_invocation(start_invocation),
      .start_prefix    (hdr_prefix),
      .start_pasid     (hdr_pasid),
      .start_hdr       (hdr),
      .start_decrypt   (1'b1),
      .start_len       (start_len),
      .s_data          (data),
      .s_keep          (data_keep),
      .s_last          (data_last),
      .s_valid         (data_valid && route_valid && route_gcm),
      .s_ready         (gcm_in_ready),
      .m_data          (gcm_data),
      .m_last          (gcm_last),
      .m_valid         (gcm_valid),
      .m_ready         (gcm_ready),
      .tag_valid       (tag_valid),
      .tag_ready       (tag_ready),
      .tag             (tag)
  );

  // ----------------------------------------------------------------- verdict

  wire job_valid, job_ready, job_ide, job_matched, job_on_stream, job_stream_dead, job_gcm;
  wire job_key_dead, job_bad;
  wire [STREAM_W-1:0] job_stream;
  wire [31:0] job_prefix;
  wire [127:0] job_hdr;
  wire [10:0] job_len;

  job_fifo #(
      .W          (JOB_W),
      .DEPTH      (JOBS),
      .PTR_W      (JOBS_W),
      .STREAM_W   (STREAM_W),
      .NUM_STREAMS(NUM_IDE_STREAMS),
      .KEY_W      (CTX_W),
      .NUM_KEYS   (NUM_CTX)
  ) u_jobs (
      .clk(clk),
      .rst(rst),
      .stream_alive(secure),
      .key_alive(ctx_ready),
      .s_valid(push_valid && route_room),
      .s_ready(jobs_room),
      .s_data({
        push_ide,
        push_matched,
        push_on_stream,
        push_gcm,
        push_bad,
        push_prefix,
        hdr_pasid[24],
        hdr_pasid[19:0],
        push_hdr,
        push_len
      }),
      .s_on_stream(push_on_stream),
      .s_stream(push_stream),
      .s_stream_dead(push_stream_dead),
      .s_on_key(push_gcm),
      .s_key(push_ctx),
      .s_key_dead(push_key_dead),
      .m_valid(job_valid),
      .m_ready(job_ready),
      .m_data({
        job_ide,
        job_matched,
        job_on_stream,
        job_gcm,
        job_bad,
        job_prefix,
        job_pasid,
        job_hdr,
        job_len
      }),
      .m_stream(job_stream),
      .m_stream_dead(job_stream_dead),
      .m_key_dead(job_key_dead)
  );

  wire write_valid, write_ready, commit_valid, commit_ready, commit_drop, commit_ide, commit_t;
  wire [DATA_W-1:0] write_data;
  wire [127:0] commit_hdr;
  wire [10:0] commit_len;
  wire [STREAM_W-1:0] commit_stream;

  ide_rx_judge #(
      .DATA_W         (DATA_W),
      .NUM_IDE_STREAMS(NUM_IDE_STREAMS),
      .STREAM_W       (STREAM_W)
  ) u_judge (
      .clk             (clk),
      .rst             (rst),
      .fault           (judge_fault),
      .enable          (enable),
      .stream_id       (stream_id),
      .secure          (secure),
      .active_set      (active_set),
      .job_valid       (job_valid),
      .job_ready       (job_ready),
      .job_ide         (job_ide),
      .job_matched     (job_matched),
      .job_stream      (job_stream),
      .job_on_stream   (job_on_stream),
      .job_stream_dead (job_stream_dead),
      .job_gcm         (job_gcm),
      .job_key_dead    (job_key_dead),
      .job_bad         (job_bad),
      .job_prefix      (job_prefix),
      .job_hdr         (job_hdr),
      .job_len         (job_len),
      .plain_data      (data),
      .plain_last      (data_last),
      .plain_valid     (data_valid && route_valid && !route_gcm && route_plain),
      .plain_ready     (plain_ready),
      .gcm_data        (gcm_data),
      .gcm_last        (gcm_last),
      .gcm_valid       (gcm_valid),
      .gcm_ready       (gcm_ready),
      .tag_valid       (tag_valid),
      .tag_ready       (tag_ready),
      .tag             (tag),
      .end_valid       (end_valid),
      .end_ready       (end_ready),
      .end_malformed   (end_malformed),
      .end_mac         (end_mac),
      .write_valid     (write_valid),
      .write_ready     (write_ready),
      .write_data      (write_data),
      .commit_valid    (commit_valid),
      .commit_ready    (commit_ready),
      .commit_drop     (commit_drop),
      .commit_hdr      (commit_hdr),
      .commit_len      (commit_len),
      .commit_ide      (commit_ide),
      .commit_t        (commit_t),
      .commit_stream   (commit_stream),
      .check_failed    (check_failed),
      .fail_received   (fail_received),
      .toggle          (toggle),
      .toggle_sub      (toggle_sub),
      .aer_check_failed(aer_check_failed),
      .aer_misrouted   (aer_misrouted),
      .aer_malformed   (aer_malformed)
  );

  ide_rx_buffer #(
      .DATA_W         (DATA_W),
      .NUM_IDE_STREAMS(NUM_IDE_STREAMS),
      .STREAM_W       (STREAM_W),
      .MAX_PAYLOAD    (MAX_PAYLOAD)
  ) u_buffer (
      .clk          (clk),
      .rst          (rst),
      .secure       (secure),
      .write_valid  (write_valid),
      .write_ready  (write_ready),
      .write_data   (write_data),
      .commit_valid (commit_valid),
      .commit_ready (commit_ready),
      .commit_drop  (commit_drop),
      .commit_hdr   (commit_hdr),
      .commit_pasid (job_pasid),
      .commit_len   (commit_len),
      .commit_ide   (commit_ide),
      .commit_t     (commit_t),
      .commit_stream(commit_stream),
      .rx_hdr       (rx_hdr),
      .rx_tdata     (rx_tdata),
      .rx_tkeep     (rx_tkeep),
      .rx_tvalid    (rx_tvalid),
      .rx_tready    (rx_tready),
      .rx_tlast     (rx_tlast),
      .rx_ide       (rx_ide),
      .rx_t         (rx_t),
      .rx_stream    (rx_stream),
      .rx_pasid     (rx_pasid)
  );

  wire unused = &{1'b0, route_none};

endmodule

`default_nettype wire
