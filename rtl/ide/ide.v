// SPDX-License-Identifier: Apache-2.0
//
// ide: selective IDE streams of an endpoint: receive, transmit, stream states and IDE_KM.
//
// Key context of a direction: 6 * stream + 2 * sub-stream + key set. Whatever goes wrong inside
// turns every stream Insecure and keeps it so until reset.

`default_nettype none

module ide #(
    parameter DATA_W          = 128,
    parameter NUM_TDI         = 4,
    parameter TDI_W           = 2,
    parameter NUM_IDE_STREAMS = 2,
    parameter STREAM_W        = 1,
    parameter SESSION_W       = 2,
    parameter MAX_PAYLOAD     = 512,  // bytes
    parameter PORT_INDEX      = 0,    // of IDE_KM, answered besides 0
    parameter PASID_EN        = 0     // PASID prefixes
) (
    input wire        clk,
    input wire        rst,
    input wire        link_up,
    input wire        pf_flr,
    input wire [15:0] pf_rid,

    input wire [NUM_TDI-1:0] ats_enable,  // of the function with Requester ID pf_rid + n

    // Link, raw TLPs
    input  wire [  DATA_W-1:0] s_axis_rx_tdata,
    input  wire [DATA_W/8-1:0] s_axis_rx_tkeep,
    input  wire                s_axis_rx_tvalid,
    output wire                s_axis_rx_tready,
    input  wire                s_axis_rx_tlast,
    output wire [  DATA_W-1:0] m_axis_tx_tdata,
    output wire [DATA_W/8-1:0] m_axis_tx_tkeep,
    output wire                m_axis_tx_tvalid,
    input  wire                m_axis_tx_tready,
    output wire                m_axis_tx_tlast,

    // TLP buses
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
    input  wire [        127:0] tx_hdr,
    input  wire [   DATA_W-1:0] tx_tdata,
    input  wire [DATA_W/32-1:0] tx_tkeep,
    input  wire                 tx_tvalid,
    output wire                 tx_tready,
    input  wire                 tx_tlast,
    input  wire                 tx_ide,
    input  wire                 tx_t,
    input  wire [ STREAM_W-1:0] tx_stream,
    input  wire [         20:0] tx_pasid,

    // Registers of the IDE capability
    input  wire [   NUM_IDE_STREAMS-1:0] ide_enable,
    input  wire [ 8*NUM_IDE_STREAMS-1:0] ide_stream_id,
    input  wire [ 3*NUM_IDE_STREAMS-1:0] ide_tc,
    input  wire [   NUM_IDE_STREAMS-1:0] ide_default,
    input  wire [   NUM_IDE_STREAMS-1:0] ide_tee_limited,
    input  wire [   NUM_IDE_STREAMS-1:0] ide_rid_valid,
    input  wire [16*NUM_IDE_STREAMS-1:0] ide_rid_base,
    input  wire [16*NUM_IDE_STREAMS-1:0] ide_rid_limit,
    input  wire [   NUM_IDE_STREAMS-1:0] ide_addr_valid,
    input  wire [64*NUM_IDE_STREAMS-1:0] ide_addr_base,
    input  wire [64*NUM_IDE_STREAMS-1:0] ide_addr_limit,
    output wire [                   7:0] idecap_addr,
    input  wire [                  31:0] idecap_data,
    input  wire [                   7:0] idecap_last,

    // A Completion came on another stream than its request
    input wire                cpl_stream_error,
    input wire [STREAM_W-1:0] cpl_stream_error_stream,

    // Sessions and IDE_KM objects
    input  wire                 session_end_valid,
    input  wire [SESSION_W-1:0] session_end_idx,
    input  wire [          7:0] idekm_tdata,
    input  wire                 idekm_tvalid,
    output wire                 idekm_tready,
    input  wire                 idekm_tlast,
    input  wire [SESSION_W-1:0] idekm_session,
    output wire [          7:0] idekm_rsp_tdata,
    output wire                 idekm_rsp_tvalid,
    input  wire                 idekm_rsp_tready,
    output wire                 idekm_rsp_tlast,
    output wire                 idekm_rsp_none,

    // State of the streams
    output wire [          NUM_IDE_STREAMS-1:0] stream_secure,
    output wire [          NUM_IDE_STREAMS-1:0] stream_insecure_event,
    output wire [          NUM_IDE_STREAMS-1:0] stream_keys_ready,
    output wire [          NUM_IDE_STREAMS-1:0] stream_owner_valid,
    output wire [SESSION_W*NUM_IDE_STREAMS-1:0] stream_owner_session,
    output wire [          NUM_IDE_STREAMS-1:0] ide_fail_received,
    output wire                                 aer_check_failed,
    output wire                                 aer_misrouted,
    output wire                                 aer_malformed
);

  function automatic integer ctx_width(input integer value);
    integer i;
    begin
      ctx_width = 3;
      for (i = 4; i < 32; i = i + 1) if ((1 << (i - 1)) < value) ctx_width = i;
    end
  endfunction

  localparam NUM_CTX = 6 * NUM_IDE_STREAMS;
  localparam CTX_W = ctx_width(NUM_CTX);

  generate
    if (NUM_IDE_STREAMS < 1 || NUM_IDE_STREAMS > 8) begin : g_check_num_ide_streams
      PARAM_ERROR_NUM_IDE_STREAMS_must_be_1_to_8 u_stop ();
    end
    if ((1 << STREAM_W) < NUM_IDE_STREAMS || STREAM_W > 4) begin : g_check_stream_w
      PARAM_ERROR_STREAM_W_must_fit_NUM_IDE_STREAMS u_stop ();
    end
  endgenerate

  wire rx_fault, tx_fault;
  reg fault_q;

  always @(posedge clk) begin
    if (rst) fault_q <= 1'b0;
    else if (rx_fault || tx_fault) fault_q <= 1'b1;
  end

  // ----------------------------------------------------------------- streams

  wire [NUM_IDE_STREAMS-1:0] erasing, in_use, has_key, loading, rx_check_failed, rx_fail, rx_toggle;
  wire [NUM_IDE_STREAMS-1:0] tx_set, exhausted, fail_due, fail_taken, cpl_failed;
  wire [1:0] rx_toggle_sub;
  wire [3*NUM_IDE_STREAMS-1:0] rx_set, fail_tc;
  wire [ 8*NUM_IDE_STREAMS-1:0] fail_stream_id;
  wire [16*NUM_IDE_STREAMS-1:0] fail_destination;
  wire [NUM_CTX-1:0] rx_erase, tx_erase, rx_erasing, tx_erasing, rx_ready, tx_ready;

  wire [STREAM_W-1:0] cmd_stream;
  wire cmd_direction, cmd_begin, cmd_loaded, cmd_go, cmd_stop;
  wire [2:0] cmd_slot;
  wire [SESSION_W-1:0] cmd_session;
  wire key_valid, key_ready, rx_key_ready, tx_key_ready;
  wire [CTX_W-1:0] key_ctx;
  wire [255:0] key;

  genvar g;
  generate
    for (g = 0; g < NUM_IDE_STREAMS; g = g + 1) begin : g_stream
      localparam [STREAM_W-1:0] INDEX = g;
      wire named = cmd_stream == INDEX;

      assign erasing[g] = |rx_erasing[6*g+:6] || |tx_erasing[6*g+:6];
      assign cpl_failed[g] = cpl_stream_error && cpl_stream_error_stream == INDEX &&
          stream_secure[g];

      ide_stream_ctrl #(
          .SESSION_W(SESSION_W)
      ) u_ctrl (
          .clk              (clk),
          .rst              (rst),
          .enable           (ide_enable[g]),
          .rid_valid        (ide_rid_valid[g]),
          .stream_id        (ide_stream_id[8*g+:8]),
          .tc               (ide_tc[3*g+:3]),
          .rid_base         (ide_rid_base[16*g+:16]),
          .link_up          (link_up),
          .flr              (pf_flr),
          .fault            (fault_q),
          .check_failed     (rx_check_failed[g] || cpl_failed[g] || exhausted[g]),
          .fail_received    (rx_fail[g]),
          .session_end_valid(session_end_valid),
          .session_end_idx  (session_end_idx),
          .cmd_begin        (cmd_begin && named),
          .cmd_loaded       (cmd_loaded && named),
          .cmd_go           (cmd_go && named),
          .cmd_stop         (cmd_stop && named),
          .cmd_session      (cmd_session),
          .cmd_direction    (cmd_direction),
          .cmd_slot         (cmd_slot),
          .cmd_in_use       (in_use[g]),
          .cmd_has_key      (has_key[g]),
          .cmd_loading      (loading[g]),
          .rx_toggle        (rx_toggle[g]),
          .rx_toggle_sub    (rx_toggle_sub),
          .rx_erase         (rx_erase[6*g+:6]),
          .tx_erase         (tx_erase[6*g+:6]),
          .erasing          (erasing[g]),
          .rx_key_ready     (rx_ready[6*g+:6]),
          .tx_key_ready     (tx_ready[6*g+:6]),
          .rx_set           (rx_set[3*g+:3]),
          .tx_set           (tx_set[g]),
          .secure           (stream_secure[g]),
          .insecure_event   (stream_insecure_event[g]),
          .keys_ready       (stream_keys_ready[g]),
          .owner_valid      (stream_owner_valid[g]),
          .owner_session    (stream_owner_session[SESSION_W*g+:SESSION_W]),
          .fail_due         (fail_due[g]),
          .fail_taken       (fail_taken[g]),
          .fail_stream_id   (fail_stream_id[8*g+:8]),
          .fail_tc          (fail_tc[3*g+:3]),
          .fail_destination (fail_destination[16*g+:16])
      );
    end
  endgenerate

  wire rx_aer_check_failed;
  assign ide_fail_received = rx_fail;
  assign aer_check_failed  = rx_aer_check_failed || |cpl_failed;

  // ----------------------------------------------------------------- IDE_KM

  assign key_ready         = cmd_direction ? tx_key_ready : rx_key_ready;

  idekm_responder #(
      .NUM_IDE_STREAMS(NUM_IDE_STREAMS),
      .STREAM_W       (STREAM_W),
      .SESSION_W      (SESSION_W),
      .CTX_W          (CTX_W),
      .PORT_INDEX     (PORT_INDEX)
  ) u_idekm (
      .clk              (clk),
      .rst              (rst),
      .req_tdata        (idekm_tdata),
      .req_tvalid       (idekm_tvalid),
      .req_tready       (idekm_tready),
      .req_tlast        (idekm_tlast),
      .req_session      (idekm_session),
      .rsp_tdata        (idekm_rsp_tdata),
      .rsp_tvalid       (idekm_rsp_tvalid),
      .rsp_tready       (idekm_rsp_tready),
      .rsp_tlast        (idekm_rsp_tlast),
      .rsp_none         (idekm_rsp_none),
      .session_end_valid(session_end_valid),
      .session_end_idx  (session_end_idx),
      .pf_rid           (pf_rid),
      .idecap_addr      (idecap_addr),
      .idecap_data      (idecap_data),
      .idecap_last      (idecap_last),
      .stream_id        (ide_stream_id),
      .owner_valid      (stream_owner_valid),
      .owner_session    (stream_owner_session),
      .erasing          (erasing),
      .cmd_stream       (cmd_stream),
      .cmd_direction    (cmd_direction),
      .cmd_slot         (cmd_slot),
      .cmd_session      (cmd_session),
      .cmd_begin        (cmd_begin),
      .cmd_loaded       (cmd_loaded),
      .cmd_go           (cmd_go),
      .cmd_stop         (cmd_stop),
      .cmd_in_use       (in_use[cmd_stream]),
      .cmd_has_key      (has_key[cmd_stream]),
      .cmd_loading      (loading[cmd_stream]),
      .key_valid        (key_valid),
      .key_ready        (key_ready),
      .key_fault        (fault_q),
      .key_ctx          (key_ctx),
      .key              (key)
  );

  // ----------------------------------------------------------------- data path

  ide_rx #(
      .DATA_W         (DATA_W),
      .NUM_IDE_STREAMS(NUM_IDE_STREAMS),
      .STREAM_W       (STREAM_W),
      .MAX_PAYLOAD    (MAX_PAYLOAD),
      .NUM_CTX        (NUM_CTX),
      .CTX_W          (CTX_W),
      .PASID_EN       (PASID_EN)
  ) u_rx (
      .clk             (clk),
      .rst             (rst),
      .link_up         (link_up),
      .fault           (rx_fault),
      .s_axis_rx_tdata (s_axis_rx_tdata),
      .s_axis_rx_tkeep (s_axis_rx_tkeep),
      .s_axis_rx_tvalid(s_axis_rx_tvalid),
      .s_axis_rx_tready(s_axis_rx_tready),
      .s_axis_rx_tlast (s_axis_rx_tlast),
      .rx_hdr          (rx_hdr),
      .rx_tdata        (rx_tdata),
      .rx_tkeep        (rx_tkeep),
      .rx_tvalid       (rx_tvalid),
      .rx_tready       (rx_tready),
      .rx_tlast        (rx_tlast),
      .rx_ide          (rx_ide),
      .rx_t            (rx_t),
      .rx_stream       (rx_stream),
      .rx_pasid        (rx_pasid),
      .enable          (ide_enable),
      .stream_id       (ide_stream_id),
      .tc              (ide_tc),
      .secure          (stream_secure),
      .active_set      (rx_set),
      .ctx_ready       (rx_ready),
      .check_failed    (rx_check_failed),
      .fail_received   (rx_fail),
      .toggle          (rx_toggle),
      .toggle_sub      (rx_toggle_sub),
      .erase           (rx_erase),
      .erasing         (rx_erasing),
      .key_valid       (key_valid && !cmd_direction),
      .key_ready       (rx_key_ready),
      .key_ctx         (key_ctx),
      .key             (key),
      .aer_check_failed(rx_aer_check_failed),
      .aer_misrouted   (aer_misrouted),
      .aer_malformed   (aer_malformed)
  );

  ide_tx #(
      .DATA_W         (DATA_W),
      .NUM_TDI        (NUM_TDI),
      .TDI_W          (TDI_W),
      .NUM_IDE_STREAMS(NUM_IDE_STREAMS),
      .STREAM_W       (STREAM_W),
      .NUM_CTX        (NUM_CTX),
      .CTX_W          (CTX_W),
      .PASID_EN       (PASID_EN)
  ) u_tx (
      .clk             (clk),
      .rst             (rst),
      .link_up         (link_up),
      .fault           (tx_fault),
      .tx_hdr          (tx_hdr),
      .tx_tdata        (tx_tdata),
      .tx_tkeep        (tx_tkeep),
      .tx_tvalid       (tx_tvalid),
      .tx_tready       (tx_tready),
      .tx_tlast        (tx_tlast),
      .tx_ide          (tx_ide),
      .tx_t            (tx_t),
      .tx_stream       (tx_stream),
      .tx_pasid        (tx_pasid),
      .m_axis_tx_tdata (m_axis_tx_tdata),
      .m_axis_tx_tkeep (m_axis_tx_tkeep),
      .m_axis_tx_tvalid(m_axis_tx_tvalid),
      .m_axis_tx_tready(m_axis_tx_tready),
      .m_axis_tx_tlast (m_axis_tx_tlast),
      .pf_rid          (pf_rid),
      .ats_enable      (ats_enable),
      .enable          (ide_enable),
      .stream_id       (ide_stream_id),
      .tc              (ide_tc),
      .is_default      (ide_default),
      .tee_limited     (ide_tee_limited),
      .rid_valid       (ide_rid_valid),
      .rid_base        (ide_rid_base),
      .rid_limit       (ide_rid_limit),
      .addr_valid      (ide_addr_valid),
      .addr_base       (ide_addr_base),
      .addr_limit      (ide_addr_limit),
      .secure          (stream_secure),
      .active_set      (tx_set),
      .ctx_ready       (tx_ready),
      .exhausted       (exhausted),
      .fail_due        (fail_due),
      .fail_taken      (fail_taken),
      .fail_stream_id  (fail_stream_id),
      .fail_tc         (fail_tc),
      .fail_destination(fail_destination),
      .erase           (tx_erase),
      .erasing         (tx_erasing),
      .key_valid       (key_valid && cmd_direction),
      .key_ready       (tx_key_ready),
      .key_ctx         (key_ctx),
      .key             (key)
  );

endmodule

`default_nettype wire
