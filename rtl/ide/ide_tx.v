// SPDX-License-Identifier: Apache-2.0
//
// ide_tx: from the TLP bus to raw TLPs on the link, as IDE TLPs where a stream carries them.
//
// What belongs to a stream goes out under its key or not at all (IDE-ST-005). IDE Sync and IDE Fail
// are made here. A key set, an invocation value and the counters are read and used in the order of
// the TLPs on the wire.

`default_nettype none
`include "ide_defs.vh"
`include "pcie_defs.vh"

module ide_tx #(
    parameter DATA_W = 128,
    parameter NUM_TDI = 4,
    parameter TDI_W = 2,
    parameter NUM_IDE_STREAMS = 2,
    parameter STREAM_W = 1,
    parameter NUM_CTX = 12,
    parameter CTX_W = 4,
    parameter PASID_EN = 0
) (
    input  wire clk,
    input  wire rst,
    input  wire link_up,
    output wire fault,

    input  wire [        127:0] tx_hdr,
    input  wire [   DATA_W-1:0] tx_tdata,
    input  wire [DATA_W/32-1:0] tx_tkeep,
    input  wire                 tx_tvalid,
    output wire                 tx_tready,
    input  wire                 tx_tlast,
    input  wire                 tx_ide,
    input  wire                 tx_t,
    input  wire [ STREAM_W-1:0] tx_stream,
    input  wire [         20:0] tx_pasid,   // valid, and the PASID

    output wire [  DATA_W-1:0] m_axis_tx_tdata,
    output wire [DATA_W/8-1:0] m_axis_tx_tkeep,
    output wire                m_axis_tx_tvalid,
    input  wire                m_axis_tx_tready,
    output wire                m_axis_tx_tlast,

    // Streams
    input  wire [                  15:0] pf_rid,
    input  wire [           NUM_TDI-1:0] ats_enable,
    input  wire [   NUM_IDE_STREAMS-1:0] enable,
    input  wire [ 8*NUM_IDE_STREAMS-1:0] stream_id,
    input  wire [ 3*NUM_IDE_STREAMS-1:0] tc,
    input  wire [   NUM_IDE_STREAMS-1:0] is_default,
    input  wire [   NUM_IDE_STREAMS-1:0] tee_limited,
    input  wire [   NUM_IDE_STREAMS-1:0] rid_valid,
    input  wire [16*NUM_IDE_STREAMS-1:0] rid_base,
    input  wire [16*NUM_IDE_STREAMS-1:0] rid_limit,
    input  wire [   NUM_IDE_STREAMS-1:0] addr_valid,
    input  wire [64*NUM_IDE_STREAMS-1:0] addr_base,
    input  wire [64*NUM_IDE_STREAMS-1:0] addr_limit,
    input  wire [   NUM_IDE_STREAMS-1:0] secure,
    input  wire [   NUM_IDE_STREAMS-1:0] active_set,
    input  wire [           NUM_CTX-1:0] ctx_ready,
    output wire [   NUM_IDE_STREAMS-1:0] exhausted,    // an invocation counter is used up

    // IDE Fail
    input  wire [   NUM_IDE_STREAMS-1:0] fail_due,
    output wire [   NUM_IDE_STREAMS-1:0] fail_taken,
    input  wire [ 8*NUM_IDE_STREAMS-1:0] fail_stream_id,
    input  wire [ 3*NUM_IDE_STREAMS-1:0] fail_tc,
    input  wire [16*NUM_IDE_STREAMS-1:0] fail_destination,

    // Keys
    input  wire [NUM_CTX-1:0] erase,
    output wire [NUM_CTX-1:0] erasing,
    input  wire               key_valid,
    output wire               key_ready,
    input  wire [  CTX_W-1:0] key_ctx,
    input  wire [      255:0] key
);

  localparam JOBS = 8;  // TLPs under way
  localparam JOBS_W = 3;
  localparam DATA_DEPTH = 16;  // beats that wait for their key stream
  localparam JOB_W = 1 + 32 + 21 + 128 + 11;
  localparam LENGTH_BIT = 96;
  localparam PASID_VALID = 20;
  localparam [10:0] FULL_LENGTH = 11'd1024;

  // Hamming distance 4
  localparam [6:0] ST_IDLE = 7'b0001111;
  localparam [6:0] ST_DECIDE = 7'b0110011;
  localparam [6:0] ST_START = 7'b1010101;
  localparam [6:0] ST_DATA = 7'b1101001;
  localparam [6:0] ST_SINK = 7'b0111100;

  // What is at work: a TLP of the bus or a message of a stream
  localparam [1:0] KIND_TLP = 2'd0;
  localparam [1:0] KIND_SYNC = 2'd1;
  localparam [1:0] KIND_FAIL = 2'd2;

  function automatic [STREAM_W-1:0] lowest(input reg [NUM_IDE_STREAMS-1:0] bits);
    integer k;
    begin
      lowest = {STREAM_W{1'b0}};
      for (k = NUM_IDE_STREAMS - 1; k >= 0; k = k - 1) if (bits[k]) lowest = k[STREAM_W-1:0];
    end
  endfunction

  // DW0 and DW1 of a message without data that is routed by ID, then its destination
  function automatic [95:0] message(input reg [7:0] code, input reg [2:0] traffic_class,
                                    input reg [15:0] requester, input reg [15:0] destination);
    message = {
      `PCIE_TYPE_MSG_ID, 1'b0, traffic_class, 20'd0, requester, 8'd0, code, destination, 16'd0
    };
  endfunction

  reg [6:0] state_q, state_d;

  // ----------------------------------------------------------------- choice

  wire sel_ide, sel_drop, sel_with_data, sel_four_dw;
  wire [STREAM_W-1:0] sel_stream;
  wire [1:0] sel_sub;

  ide_tx_select #(
      .NUM_TDI        (NUM_TDI),
      .TDI_W          (TDI_W),
      .NUM_IDE_STREAMS(NUM_IDE_STREAMS),
      .STREAM_W       (STREAM_W)
  ) u_select (
      .pf_rid      (pf_rid),
      .ats_enable  (ats_enable),
      .enable      (enable),
      .tc          (tc),
      .is_default  (is_default),
      .tee_limited (tee_limited),
      .rid_valid   (rid_valid),
      .rid_base    (rid_base),
      .rid_limit   (rid_limit),
      .addr_valid  (addr_valid),
      .addr_base   (addr_base),
      .addr_limit  (addr_limit),
      .hdr         (tx_hdr),
      .named       (tx_ide),
      .named_stream(tx_stream),
      .t           (tx_t),
      .ide         (sel_ide),
      .stream      (sel_stream),
      .drop        (sel_drop),
      .sub_stream  (sel_sub),
      .with_data   (sel_with_data),
      .four_dw     (sel_four_dw)
  );

  wire [NUM_IDE_STREAMS-1:0] sync_due;
  reg [NUM_IDE_STREAMS-1:0] sync_possible;
  integer i;

  always @* begin
    for (i = 0; i < NUM_IDE_STREAMS; i = i + 1)
    sync_possible[i] = sync_due[i] && secure[i] && ctx_ready[6*i+{31'd0, active_set[i]}];
  end

  wire any_fail = |fail_due;
  wire any_sync = |sync_possible;

  reg [1:0] kind_q;
  reg ide_q, drop_q, data_q, t_q;
  reg [STREAM_W-1:0] stream_q;
  reg [1:0] sub_q;
  reg [10:0] len_q;
  wire [10:0] tx_length = {1'b0, tx_hdr[LENGTH_BIT+:10]};

  always @(posedge clk) begin
    if (state_q == ST_IDLE) begin
      if (any_fail) begin
        kind_q   <= KIND_FAIL;
        ide_q    <= 1'b0;
        drop_q   <= 1'b0;
        data_q   <= 1'b0;
        t_q      <= 1'b0;
        stream_q <= lowest(fail_due);
        sub_q    <= `IDE_SUB_PR;
        len_q    <= 11'd0;
      end else if (any_sync) begin
        kind_q   <= KIND_SYNC;
        ide_q    <= 1'b1;
        drop_q   <= 1'b0;
        data_q   <= 1'b0;
        t_q      <= 1'b0;
        stream_q <= lowest(sync_possible);
        sub_q    <= `IDE_SUB_PR;
        len_q    <= 11'd0;
      end else begin
        kind_q   <= KIND_TLP;
        ide_q    <= sel_ide;
        drop_q   <= sel_drop;
        data_q   <= sel_with_data;
        t_q      <= tx_t;
        stream_q <= sel_stream;
        sub_q    <= sel_sub;
        len_q    <= !sel_with_data ? 11'd0 : tx_length == 11'd0 ? FULL_LENGTH : tx_length;
      end
    end
  end

  // ----------------------------------------------------------------- decision

  wire decide = state_q == ST_DECIDE;
  wire [CTX_W-1:0] stream_wide = {{(CTX_W - STREAM_W) {1'b0}}, stream_q};
  wire [CTX_W+1:0] sub_wide = {{CTX_W{1'b0}}, sub_q};
  wire [CTX_W-1:0] ctx = (stream_wide << 2) + (stream_wide << 1) +
      {sub_wide[CTX_W-2:0], active_set[stream_q]};
  wire [63:0] invocation;
  wire ctx_exhausted;
  wire [7:0] field, npr_sync, cpl_sync;
  wire job_room;

  wire live = secure[stream_q] && ctx_ready[ctx];
  wire start_now = decide && ide_q && !drop_q && live && !ctx_exhausted && job_room;
  wire push_plain = decide && !ide_q && !drop_q && (kind_q != KIND_FAIL || fail_due[stream_q]);
  wire give_up = decide && !push_plain && !(ide_q && !drop_q && live && !ctx_exhausted);

  wire [127:0] sync_hdr = {
    message(`PCIE_MSG_IDE_SYNC, tc[3*stream_q+:3], pf_rid, rid_base[16*stream_q+:16]),
    16'd0,
    npr_sync,
    cpl_sync
  };
  wire [127:0] fail_hdr = {
    message(`PCIE_MSG_IDE_FAIL, fail_tc[3*stream_q+:3], pf_rid, fail_destination[16*stream_q+:16]),
    24'd0,
    fail_stream_id[8*stream_q+:8]
  };
  wire [127:0] hdr = kind_q == KIND_SYNC ? sync_hdr : kind_q == KIND_FAIL ? fail_hdr : tx_hdr;

  wire [20:0] pasid = kind_q == KIND_TLP && PASID_EN != 0 ? tx_pasid : 21'd0;

  reg [31:0] prefix_q;
  reg [20:0] pasid_q;
  reg [127:0] hdr_q;
  reg [CTX_W-1:0] ctx_q;
  reg [63:0] invocation_q;
  reg dead_q;  // the stream was not Secure while the start waited

  always @(posedge clk) begin
    if (decide) begin
      prefix_q <= {
        `IDE_PREFIX,
        field,
        stream_id[8*stream_q+:8],
        2'b00,
        sub_q,
        2'b01,  // no PCRC, a MAC
        active_set[stream_q],
        t_q
      };
      pasid_q <= pasid;
      hdr_q <= hdr;
      ctx_q <= ctx;
      invocation_q <= invocation;
      dead_q <= !secure[stream_q];
    end else begin
      dead_q <= dead_q || !secure[stream_q];
    end
  end

  wire start_valid = state_q == ST_START;
  wire start_ready;
  wire started = start_valid && start_ready;

  genvar g;
  generate
    for (g = 0; g < NUM_IDE_STREAMS; g = g + 1) begin : g_stream
      localparam [STREAM_W-1:0] INDEX = g;
      wire own = stream_q == INDEX;
      assign fail_taken[g] = push_plain && job_room && kind_q == KIND_FAIL && own;
      assign exhausted[g]  = decide && ide_q && !drop_q && live && ctx_exhausted && own;
    end
  endgenerate

  ide_tx_counters #(
      .NUM_IDE_STREAMS(NUM_IDE_STREAMS),
      .STREAM_W       (STREAM_W)
  ) u_counters (
      .clk       (clk),
      .rst       (rst),
      .secure    (secure),
      .sync_due  (sync_due),
      .stream    (stream_q),
      .sub_stream(sub_q),
      .sync      (kind_q == KIND_SYNC),
      .npr_sync  (npr_sync),
      .cpl_sync  (cpl_sync),
      .field     (field),
      .sent      (started && !dead_q)
  );

  // ----------------------------------------------------------------- payload

  wire bus_data = state_q == ST_DATA && tx_tvalid;
  wire to_engine = bus_data && data_q && ide_q;
  wire to_plain = bus_data && data_q && !ide_q;
  wire engine_ready, plain_ready;
  wire wait_valid, wait_ready, wait_last, wait_none;
  wire [DATA_W-1:0] wait_data;
  wire [DATA_W/32-1:0] wait_keep;

  sync_fifo #(
      .W    (DATA_W + DATA_W / 32 + 1),
      .DEPTH(DATA_DEPTH)
  ) u_wait (
      .clk    (clk),
      .rst    (rst),
      .s_valid(to_engine),
      .s_ready(engine_ready),
      .s_data ({tx_tlast, tx_tkeep, tx_tdata}),
      .m_valid(wait_valid),
      .m_ready(wait_ready),
      .m_data ({wait_last, wait_keep, wait_data}),
      .empty  (wait_none)
  );

  assign tx_tready = state_q == ST_SINK ||
      (state_q == ST_DATA && (!data_q || (ide_q ? engine_ready : plain_ready)));
  wire bus_done = tx_tvalid && tx_tready && tx_tlast;

  always @* begin
    state_d = state_q;
    case (state_q)
      ST_IDLE:  if (any_fail || any_sync || tx_tvalid) state_d = ST_DECIDE;
      ST_DECIDE: begin
        if (give_up) state_d = kind_q == KIND_TLP ? ST_SINK : ST_IDLE;
        else if (start_now) state_d = ST_START;
        else if (push_plain && job_room) state_d = kind_q == KIND_TLP ? ST_DATA : ST_IDLE;
      end
      ST_START: if (start_ready) state_d = kind_q == KIND_TLP ? ST_DATA : ST_IDLE;
      ST_DATA:  if (bus_done) state_d = ST_IDLE;
      ST_SINK:  if (bus_done) state_d = ST_IDLE;
      default:  ;  // stays, and is a fault
    endcase
  end

  always @(posedge clk) begin
    if (rst) state_q <= ST_IDLE;
    else state_q <= state_d;
  end

  wire state_fault = state_q != ST_IDLE && state_q != ST_DECIDE && state_q != ST_START &&
      state_q != ST_DATA && state_q != ST_SINK;

  // ----------------------------------------------------------------- engine

  wire engine_key_valid, engine_key_ready, engine_clear_valid, engine_clear_ready;
  wire [ CTX_W-1:0] engine_clear_ctx;
  wire [DATA_W-1:0] gcm_data;
  wire gcm_last, gcm_valid, gcm_ready, tag_valid, tag_ready, engine_fault;
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
      .offered_ctx       (ctx_q),
      .invoked           (started),
      .read_ctx          (ctx),
      .read_invocation   (invocation),
      .read_exhausted    (ctx_exhausted)
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
      .start_ctx       (ctx_q),
      .start_invocation(invocation_q),
      .start_prefix    (prefix_q),
      .start_pasid     ({pasid_q[PASID_VALID], 4'h0, pasid_q[19:0]}),
      .start_hdr       (hdr_q),
      .start_decrypt   (1'b0),
      .start_len       (len_q),
      .s_data          (wait_data),
      .s_keep          (wait_keep),
      .s_last          (wait_last),
      .s_valid         (wait_valid),
      .s_ready         (wait_ready),
      .m_data          (gcm_data),
      .m_last          (gcm_last),
      .m_valid         (gcm_valid),
      .m_ready         (gcm_ready),
      .tag_valid       (tag_valid),
      .tag_ready       (tag_ready),
      .tag             (tag)
  );

  // ----------------------------------------------------------------- wire

  wire job_valid, job_ready, job_ide, job_dead, job_key_dead, serializer_fault;
  wire [31:0] job_prefix;
  wire [20:0] job_pasid;
  wire [127:0] job_hdr;
  wire [10:0] job_len;
  wire [STREAM_W-1:0] job_stream;

  job_fifo #(
      .W          (JOB_W),
      .DEPTH      (JOBS),
      .PTR_W      (JOBS_W),
      .STREAM_W   (STREAM_W),
      .NUM_STREAMS(NUM_IDE_STREAMS),
      .KEY_W      (1),
      .NUM_KEYS   (1)
  ) u_jobs (
      .clk          (clk),
      .rst          (rst),
      .stream_alive (secure),
      .key_alive    (1'b1),
      .s_valid      (started || push_plain),
      .s_ready      (job_room),
      .s_data       ({ide_q, prefix_q, decide ? pasid : pasid_q, decide ? hdr : hdr_q, len_q}),
      .s_on_stream  (ide_q),
      .s_stream     (stream_q),
      .s_stream_dead(dead_q || !secure[stream_q]),
      .s_on_key     (1'b0),
      .s_key        (1'b0),
      .s_key_dead   (1'b0),
      .m_valid      (job_valid),
      .m_ready      (job_ready),
      .m_data       ({job_ide, job_prefix, job_pasid, job_hdr, job_len}),
      .m_stream     (job_stream),
      .m_stream_dead(job_dead),
      .m_key_dead   (job_key_dead)
  );

  tlp_serializer #(
      .DATA_W(DATA_W)
  ) u_serializer (
      .clk          (clk),
      .rst          (rst),
      .link_up      (link_up),
      .fault        (serializer_fault),
      .job_valid    (job_valid),
      .job_ready    (job_ready),
      .job_ide      (job_ide),
      .job_dead     (job_dead),
      .job_prefix   (job_prefix),
      .job_pasid    (job_pasid),
      .job_hdr      (job_hdr),
      .job_len      (job_len),
      .plain_data   (tx_tdata),
      .plain_valid  (to_plain),
      .plain_ready  (plain_ready),
      .gcm_data     (gcm_data),
      .gcm_valid    (gcm_valid),
      .gcm_ready    (gcm_ready),
      .tag_valid    (tag_valid),
      .tag_ready    (tag_ready),
      .tag          (tag),
      .m_axis_tdata (m_axis_tx_tdata),
      .m_axis_tkeep (m_axis_tx_tkeep),
      .m_axis_tvalid(m_axis_tx_tvalid),
      .m_axis_tready(m_axis_tx_tready),
      .m_axis_tlast (m_axis_tx_tlast)
  );

  assign fault = state_fault || engine_fault || serializer_fault;

  wire unused = &{1'b0, sel_four_dw, gcm_last, job_stream, job_key_dead, sub_wide, wait_none};

endmodule

`default_nettype wire
