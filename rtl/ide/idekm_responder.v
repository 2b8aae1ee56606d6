// SPDX-License-Identifier: Apache-2.0
//
// idekm_responder: answers IDE_KM objects that came inside a secured session.
//
// Bytes begin with the object id, behind the protocol id, in both directions. A request that must
// not be answered ends with a pulse on rsp_none. A key goes to one GCM context and is cleared here
// as soon as the engine has taken it (IDEKM-SEC-001).

`default_nettype none
`include "idekm_defs.vh"

module idekm_responder #(
    parameter NUM_IDE_STREAMS = 2,
    parameter STREAM_W = 1,
    parameter SESSION_W = 2,
    parameter CTX_W = 4,
    parameter PORT_INDEX = 0  // answered besides 0
) (
    input wire clk,
    input wire rst,

    input  wire [          7:0] req_tdata,
    input  wire                 req_tvalid,
    output wire                 req_tready,
    input  wire                 req_tlast,
    input  wire [SESSION_W-1:0] req_session,

    output wire [7:0] rsp_tdata,
    output wire       rsp_tvalid,
    input  wire       rsp_tready,
    output wire       rsp_tlast,
    output wire       rsp_none,

    input wire                 session_end_valid,
    input wire [SESSION_W-1:0] session_end_idx,

    // Registers that QUERY_RESP mirrors
    input  wire [15:0] pf_rid,
    output wire [ 7:0] idecap_addr,
    input  wire [31:0] idecap_data,
    input  wire [ 7:0] idecap_last,

    // Streams
    input wire [          8*NUM_IDE_STREAMS-1:0] stream_id,
    input wire [            NUM_IDE_STREAMS-1:0] owner_valid,
    input wire [SESSION_W * NUM_IDE_STREAMS-1:0] owner_session,
    input wire [            NUM_IDE_STREAMS-1:0] erasing,

    // The key slot named, and what its stream says of it
    output wire [ STREAM_W-1:0] cmd_stream,
    output wire                 cmd_direction,
    output wire [          2:0] cmd_slot,
    output wire [SESSION_W-1:0] cmd_session,
    output wire                 cmd_begin,
    output wire                 cmd_loaded,
    output wire                 cmd_go,
    output wire                 cmd_stop,
    input  wire                 cmd_in_use,
    input  wire                 cmd_has_key,
    input  wire                 cmd_loading,

    // To the key stores
    output wire             key_valid,
    input  wire             key_ready,
    input  wire             key_fault,  // the engine takes no key any more
    output wire [CTX_W-1:0] key_ctx,
    output wire [    255:0] key
);

  // Bytes of an object, without protocol id
  localparam [5:0] QUERY_SIZE = 6'd3;
  localparam [5:0] KEY_PROG_SIZE = 6'd47;
  localparam [5:0] GOSTOP_SIZE = 6'd7;
  localparam [5:0] SIZE_MAX = 6'd63;  // of what is counted
  localparam [5:0] LAST_FIXED = 6'd6;  // last byte of an acknowledgement and before the registers

  // Positions in a request
  localparam [5:0] AT_OBJECT = 6'd0;
  localparam [5:0] AT_QUERY_PORT = 6'd2;
  localparam [5:0] AT_STREAM = 6'd3;
  localparam [5:0] AT_INFO = 6'd5;
  localparam [5:0] AT_PORT = 6'd6;
  localparam [5:0] AT_KEY = 6'd7;
  localparam [5:0] AT_IFV = 6'd39;
  localparam [5:0] AT_IFV_ONE = 6'd43;  // where the value 1 lies

  localparam [7:0] INFO_MASK = 8'hf3;  // reserved bits are answered as 0
  localparam INFO_SET = 0;
  localparam INFO_DIRECTION = 1;
  localparam INFO_SUB_STREAM = 4;
  localparam [3:0] LAST_SUB_STREAM = 4'd2;
  localparam [7:0] OUR_PORT = 8'd0;
  localparam [7:0] OTHER_PORT = PORT_INDEX[7:0];

  // Hamming distance 4
  localparam [7:0] ST_BODY = 8'b00001111;
  localparam [7:0] ST_LOOK = 8'b00110011;
  localparam [7:0] ST_CHECK = 8'b00111100;
  localparam [7:0] ST_KEY = 8'b01010101;
  localparam [7:0] ST_LOADED = 8'b01011010;
  localparam [7:0] ST_RESPOND = 8'b01100110;
  localparam [7:0] ST_FETCH = 8'b01101001;
  localparam [7:0] ST_READ = 8'b10010110;
  localparam [7:0] ST_REGISTER = 8'b10011001;
  localparam [7:0] ST_NONE = 8'b10100101;

  reg [7:0] state_q, state_d;
  reg [5:0] count_q;
  reg [7:0] object_q, stream_q, info_q, port_q, status_q;
  reg [SESSION_W-1:0] session_q;
  reg session_gone_q;
  reg [255:0] key_q;
  reg ifv_wrong_q;
  reg [5:0] send_q;  // byte of the response
  reg [7:0] addr_q;
  reg [31:0] register_q;
  reg known_q;
  reg [STREAM_W-1:0] index_q;

  wire req_take = req_tvalid && req_tready;
  wire rsp_take = rsp_tvalid && rsp_tready;
  assign req_tready = state_q == ST_BODY;

  // ----------------------------------------------------------------- request

  // In a DW of the key the first byte is the last on the wire (IDEKM-KP-002).
  wire [4:0] key_at = count_q[4:0] - AT_KEY[4:0];
  wire [4:0] key_byte = {key_at[4:2], ~key_at[1:0]};
  wire in_key = count_q >= AT_KEY && count_q < AT_IFV;
  wire in_ifv = count_q >= AT_IFV && count_q < KEY_PROG_SIZE;
  wire is_key_prog = object_q == `IDEKM_OBJ_KEY_PROG;
  wire is_query = object_q == `IDEKM_OBJ_QUERY;
  wire is_go = object_q == `IDEKM_OBJ_K_SET_GO;
  wire is_stop = object_q == `IDEKM_OBJ_K_SET_STOP;

  wire ending = session_end_valid && session_end_idx == session_q;
  wire done = state_q == ST_NONE || (rsp_take && rsp_tlast);

  always @(posedge clk) begin
    if (rst) begin
      count_q        <= 6'd0;
      session_gone_q <= 1'b0;
    end else begin
      if (done) count_q <= 6'd0;
      else if (req_take && count_q != SIZE_MAX) count_q <= count_q + 6'd1;
      if (req_take && count_q == AT_OBJECT)
        session_gone_q <= session_end_valid && session_end_idx == req_session;
      else if (ending) session_gone_q <= 1'b1;
    end
  end

  always @(posedge clk) begin
    if (req_take) begin
      session_q <= req_session;
      if (count_q == AT_OBJECT) object_q <= req_tdata;
      if (count_q == AT_STREAM) stream_q <= req_tdata;
      if (count_q == AT_INFO) info_q <= req_tdata;
      if (count_q == AT_PORT || (count_q == AT_QUERY_PORT && is_query)) port_q <= req_tdata;
    end
  end

  // Bytes that are no key of a KEY_PROG are not kept.
  integer i;
  always @(posedge clk) begin
    if (rst || done || state_q == ST_LOADED) begin
      key_q <= 256'd0;
    end else if (req_take && is_key_prog) begin
      for (i = 0; i < 32; i = i + 1)
      if (in_key && key_byte == i[4:0]) key_q[255-8*i-:8] <= req_tdata;
    end
  end

  // The first invocation value is 1 (IDE-GCM-002).
  always @(posedge clk) begin
    if (rst || done) ifv_wrong_q <= 1'b0;
    else if (req_take && in_ifv && req_tdata != (count_q == AT_IFV_ONE ? 8'd1 : 8'd0))
      ifv_wrong_q <= 1'b1;
  end

  reg size_ok;
  always @* begin
    case (object_q)
      `IDEKM_OBJ_QUERY: size_ok = count_q == QUERY_SIZE;
      `IDEKM_OBJ_KEY_PROG: size_ok = count_q == KEY_PROG_SIZE;
      `IDEKM_OBJ_K_SET_GO, `IDEKM_OBJ_K_SET_STOP: size_ok = count_q == GOSTOP_SIZE;
      default: size_ok = 1'b0;
    endcase
  end

  // ----------------------------------------------------------------- checks

  // The first register block with that Stream ID, enabled or not (IDEKM-KP-005)
  reg look_known;
  reg [STREAM_W-1:0] look_index;
  always @* begin
    look_known = 1'b0;
    look_index = {STREAM_W{1'b0}};
    for (i = NUM_IDE_STREAMS - 1; i >= 0; i = i - 1) begin
      if (stream_id[8*i+:8] == stream_q) begin
        look_known = 1'b1;
        look_index = i[STREAM_W-1:0];
      end
    end
  end

  always @(posedge clk) begin
    if (state_q == ST_LOOK) begin
      known_q <= look_known;
      index_q <= look_index;
    end
  end

  wire [1:0] sub_stream = info_q[INFO_SUB_STREAM+:2];
  wire [CTX_W-1:0] index_wide = {{(CTX_W - STREAM_W) {1'b0}}, index_q};
  wire [CTX_W+2:0] slot_wide = {{CTX_W{1'b0}}, cmd_slot};

  assign cmd_stream    = index_q;
  assign cmd_direction = info_q[INFO_DIRECTION];
  assign cmd_slot      = {sub_stream, info_q[INFO_SET]};
  assign cmd_session   = session_q;
  assign key_ctx       = (index_wide << 2) + (index_wide << 1) + slot_wide[CTX_W-1:0];
  assign key           = key_q;
  assign key_valid     = state_q == ST_KEY;

  wire port_ok = port_q == OUR_PORT || port_q == OTHER_PORT;
  wire value_ok = known_q && info_q[INFO_SUB_STREAM+:4] <= LAST_SUB_STREAM && !ifv_wrong_q;
  wire foreign = owner_valid[index_q] && owner_session[SESSION_W*index_q+:SESSION_W] != session_q;
  wire gone = session_gone_q || ending;
  // Keys of an owner that has ended are erased before anything new is served (IDEKM-KP-007).
  // An engine that broke down never reports it: nothing becomes of a key there.
  wire settled = !erasing[index_q] || key_fault;

  wire check = state_q == ST_CHECK;
  wire served = check && port_ok && value_ok && !foreign && !gone && settled;
  wire start_key = served && is_key_prog && !cmd_in_use;
  wire go_stop = served && (is_go || is_stop) && cmd_has_key;

  assign cmd_begin  = start_key;
  assign cmd_go     = go_stop && is_go;
  assign cmd_stop   = go_stop && is_stop;
  assign cmd_loaded = state_q == ST_LOADED;

  always @* begin
    state_d = state_q;
    case (state_q)
      ST_BODY: if (req_take && req_tlast) state_d = ST_LOOK;
      ST_LOOK: state_d = size_ok && !gone ? ST_CHECK : ST_NONE;
      ST_CHECK: begin
        if (gone) state_d = ST_NONE;
        else if (is_query) state_d = port_ok ? ST_RESPOND : ST_NONE;
        else if (!port_ok || !value_ok) state_d = is_key_prog ? ST_RESPOND : ST_NONE;
        else if (foreign) state_d = ST_NONE;
        else if (settled) begin
          if (is_key_prog) state_d = cmd_in_use ? ST_RESPOND : ST_KEY;
          else state_d = go_stop ? ST_RESPOND : ST_NONE;
        end
      end
      ST_KEY: if (key_ready || key_fault) state_d = ST_LOADED;
      ST_LOADED: state_d = ST_RESPOND;
      ST_RESPOND: if (rsp_take && send_q == LAST_FIXED) state_d = is_query ? ST_FETCH : ST_BODY;
      ST_FETCH: state_d = ST_READ;
      ST_READ: state_d = ST_REGISTER;
      ST_REGISTER: if (rsp_take && send_q[1:0] == 2'd3) state_d = rsp_tlast ? ST_BODY : ST_FETCH;
      ST_NONE: state_d = ST_BODY;
      default: state_d = ST_NONE;
    endcase
  end

  always @(posedge clk) begin
    if (rst) state_q <= ST_BODY;
    else state_q <= state_d;
  end

  always @(posedge clk) begin
    if (check) begin
      if (!port_ok) status_q <= `IDEKM_KP_UNSUPPORTED_PORT_INDEX;
      else if (!value_ok) status_q <= `IDEKM_KP_UNSUPPORTED_VALUE;
      else status_q <= cmd_in_use ? `IDEKM_KP_UNSPECIFIED_FAILURE : `IDEKM_KP_SUCCESS;
    end else if (state_q == ST_LOADED && !cmd_loading) begin
      // Something took the keys of the stream away meanwhile.
      status_q <= `IDEKM_KP_UNSPECIFIED_FAILURE;
    end
  end

  // ----------------------------------------------------------------- response

  always @(posedge clk) begin
    if (check) send_q <= 6'd0;
    else if (state_q == ST_FETCH) send_q <= 6'd0;
    else if (rsp_take) send_q <= send_q + 6'd1;
  end

  always @(posedge clk) begin
    if (rst || check) addr_q <= 8'd0;
    else if (state_q == ST_REGISTER && rsp_take && send_q[1:0] == 2'd3) addr_q <= addr_q + 8'd1;
  end

  always @(posedge clk) begin
    if (state_q == ST_READ) register_q <= idecap_data;
  end

  assign idecap_addr = addr_q;

  reg [7:0] fixed;
  always @* begin
    fixed = 8'd0;
    case (send_q)
      6'd0: begin
        if (is_query) fixed = `IDEKM_OBJ_QUERY_RESP;
        else fixed = is_key_prog ? `IDEKM_OBJ_KP_ACK : `IDEKM_OBJ_K_GOSTOP_ACK;
      end
      6'd2: fixed = is_query ? port_q : 8'd0;
      6'd3: fixed = is_query ? pf_rid[7:0] : stream_q;
      6'd4: fixed = is_query ? pf_rid[15:8] : is_key_prog ? status_q : 8'd0;
      6'd5: fixed = is_query ? 8'd0 : info_q & INFO_MASK;
      6'd6: fixed = is_query ? 8'd0 : port_q;
      default: fixed = 8'd0;
    endcase
  end

  assign rsp_tvalid = state_q == ST_RESPOND || state_q == ST_REGISTER;
  assign rsp_tdata = state_q == ST_RESPOND ? fixed : register_q[8*send_q[1:0]+:8];
  assign rsp_tlast  = state_q == ST_RESPOND ? !is_query && send_q == LAST_FIXED :
      addr_q == idecap_last && send_q[1:0] == 2'd3;
  assign rsp_none = state_q == ST_NONE;

  wire unused = &{1'b0, slot_wide};

endmodule

`default_nettype wire
