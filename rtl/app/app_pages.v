// SPDX-License-Identifier: Apache-2.0
//
// app_pages: Page Requests of all functions, and the responses to them.
//
// A function has one page asked for at a time, in a group of its own. It may be sent while Enable is
// set and fewer are out than the host has allotted; the filter says whether it has left. A response
// counts for the life in which the page was asked for and, where it was asked for on a stream, only
// by this stream with T = 1 (TDISP-FSM-012); one of a former life is discarded, and until then it
// holds back the next request of its function (TDISP-LOCK-021). Requests of the function pass through
// and come first; behind a Page Request there is a cycle in which nobody sends.

`default_nettype none
`include "pcie_defs.vh"

module app_pages #(
    parameter DATA_W   = 128,
    parameter NUM_TDI  = 4,
    parameter TDI_W    = 2,
    parameter STREAM_W = 1,
    parameter PRI_EN   = 0   // 0: what the sender sends passes, and nothing else is here
) (
    input  wire clk,
    input  wire rst,
    output wire fault, // the state machine was in no state of its own

    // Page Request interface, which all functions share
    input  wire        pri_enable,
    input  wire [31:0] pri_allocation,        // requests that may be out
    input  wire        pri_reset_req,         // nothing counts as out any more
    output wire        pri_idle,              // nothing is out
    output reg         pri_response_failure,  // pulses
    output reg         pri_unexpected_index,

    // Functions
    input  wire [       15:0] pf_rid,
    input  wire [NUM_TDI-1:0] run,
    input  wire [NUM_TDI-1:0] may_ask,
    input  wire [NUM_TDI-1:0] kill,
    output wire [NUM_TDI-1:0] sending,
    output reg  [NUM_TDI-1:0] error_event, // a response came by another way

    // Registers
    input  wire             start_req,
    input  wire [TDI_W-1:0] start_tdi,
    input  wire             start_write,   // also to be written
    input  wire             start_pasid,
    input  wire [     63:0] host_address,  // from the next cycle on
    input  wire [     19:0] pasid,
    input  wire             sweep_step,
    input  wire [TDI_W-1:0] sweep_tdi,
    input  wire [TDI_W-1:0] status_tdi,
    output wire [      2:0] status,        // of it: error, done, busy

    // Messages for function msgin_tdi, in the cycle in which they are taken
    input wire [       127:0] msgin_hdr,
    input wire                msgin_taken,
    input wire                msgin_ide,
    input wire                msgin_t,
    input wire [STREAM_W-1:0] msgin_stream,
    input wire [   TDI_W-1:0] msgin_tdi,

    // Other requests of the functions
    input  wire [        127:0] sender_hdr,
    input  wire [   DATA_W-1:0] sender_tdata,
    input  wire [DATA_W/32-1:0] sender_tkeep,
    input  wire                 sender_tvalid,
    output wire                 sender_tready,
    input  wire                 sender_tlast,
    input  wire [    TDI_W-1:0] sender_tdi,
    input  wire                 sender_msix,
    input  wire                 sender_msi,
    input  wire [         20:0] sender_pasid,

    // All requests
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
    input  wire                 appreq_denied,  // the three belong to the cycle after the last beat
    input  wire                 appreq_ide,
    input  wire [ STREAM_W-1:0] appreq_stream
);

  localparam [NUM_TDI-1:0] ONE = 1;
  localparam [NUM_TDI-1:0] NONE = {NUM_TDI{1'b0}};
  localparam [31:0] LAST_TDI = NUM_TDI - 1;
  localparam PROGRAM_W = 80;
  localparam OUT_W = 24;
  localparam [3:0] SUCCESS = 4'h0;
  localparam [3:0] INVALID_REQUEST = 4'h1;

  // Hamming distance 4
  localparam [6:0] ST_IDLE = 7'b0001111;
  localparam [6:0] ST_READ = 7'b0110011;
  localparam [6:0] ST_OFFER = 7'b1010101;
  localparam [6:0] ST_RESULT = 7'b1101001;
  localparam [6:0] ST_GAP = 7'b0111100;

  // What software wants, what is out, what is out from a former life
  reg [NUM_TDI-1:0] want_q, out_q, stale_q, done_q, error_q;
  reg [9:0] count_q;  // out in all
  reg [6:0] state_q, state_d;
  reg [TDI_W-1:0] tdi_q;
  reg [8:0] index_q;
  reg wanted_q;  // it still is of the life in which it was asked for

  // ------------------------------------------------------------------ start
  reg load_q;
  reg [TDI_W-1:0] load_tdi_q;
  reg load_write_q, load_pasid_q;
  wire [NUM_TDI-1:0] asked = start_req ? ONE << start_tdi : NONE;
  wire [NUM_TDI-1:0] start = PRI_EN != 0 ? asked & ~want_q & ~out_q & ~kill : NONE;
  wire [NUM_TDI-1:0] loading = load_q ? ONE << load_tdi_q : NONE;
  wire [NUM_TDI-1:0] sweep = sweep_step ? ONE << sweep_tdi : NONE;

  always @(posedge clk) begin
    if (rst) load_q <= 1'b0;
    else load_q <= start != NONE;
    load_tdi_q   <= start_tdi;
    load_write_q <= start_write;
    load_pasid_q <= start_pasid;
  end

  // ------------------------------------------------------------------ turns
  wire room = {22'd0, count_q} < pri_allocation && pri_enable;
  wire any;
  wire [TDI_W-1:0] first;
  wire [NUM_TDI-1:0] unused_grant;

  rotate_first #(
      .N(NUM_TDI),
      .W(TDI_W)
  ) u_turn (
      .request(want_q & may_ask & ~stale_q & ~loading & ~kill),
      .last   (tdi_q),
      .any    (any),
      .idx    (first),
      .grant  (unused_grant)
  );

  wire [PROGRAM_W-1:0] wanted_page = {
    6'd0, load_pasid_q, pasid & {20{load_pasid_q}}, load_write_q, host_address[63:12]
  };
  wire [51:0] page;
  wire write;
  wire [20:0] page_pasid;
  wire [5:0] unused_program;

  app_ram #(
      .WIDTH (PROGRAM_W),
      .WORDS (NUM_TDI),
      .ADDR_W(TDI_W)
  ) u_program (
      .clk       (clk),
      .write_be  ({PROGRAM_W / 8{load_q || sweep_step}}),
      .write_addr(load_q ? load_tdi_q : sweep_tdi),
      .write_data(load_q ? wanted_page : {PROGRAM_W{1'b0}}),
      .read_req  (state_q == ST_IDLE && any),
      .read_addr (first),
      .read_data ({unused_program, page_pasid, write, page})
  );

  // ------------------------------------------------------------------ sending
  wire in_offer = state_q == ST_OFFER;
  wire give_up = state_q == ST_READ && !(want_q[tdi_q] && may_ask[tdi_q] && !kill[tdi_q] && room);
  wire sent = state_q == ST_RESULT && !appreq_denied;
  wire denied = state_q == ST_RESULT && appreq_denied;
  wire [NUM_TDI-1:0] own = ONE << tdi_q;
  wire of_this_life = wanted_q && !kill[tdi_q];
  reg within_q;  // the sender is inside a TLP

  always @* begin
    state_d = state_q;
    case (state_q)
      ST_IDLE: if (any && room) state_d = ST_READ;
      ST_READ:
      if (give_up) state_d = ST_IDLE;
      else if (!sender_tvalid && !within_q) state_d = ST_OFFER;
      ST_OFFER: if (appreq_tready) state_d = ST_RESULT;
      ST_RESULT: state_d = ST_GAP;
      ST_GAP: state_d = ST_IDLE;
      default: ;  // stays, and is a fault
    endcase
  end

  always @(posedge clk) begin
    if (rst) begin
      state_q  <= ST_IDLE;
      tdi_q    <= LAST_TDI[TDI_W-1:0];
      index_q  <= 9'd0;
      within_q <= 1'b0;
    end else begin
      state_q <= state_d;
      if (state_q == ST_IDLE && any && room) tdi_q <= first;
      if (sent) index_q <= index_q + 9'd1;
      if (sender_tvalid && sender_tready) within_q <= !sender_tlast;
    end
    wanted_q <= state_q == ST_READ || (wanted_q && !kill[tdi_q]);
  end

  wire hold = in_offer || state_q == ST_RESULT || state_q == ST_GAP;
  wire [15:0] rid = pf_rid + {{(16 - TDI_W) {1'b0}}, tdi_q};
  wire [127:0] page_hdr = {
    `PCIE_TYPE_MSG_RC,
    24'd0,
    rid,
    8'h00,
    `PCIE_MSG_PAGE_REQUEST,
    page,
    index_q,
    1'b1,  // the last of its group
    write,
    1'b1  // to be read
  };

  assign sender_tready = appreq_tready && !hold;
  assign appreq_hdr    = hold ? page_hdr : sender_hdr;
  assign appreq_tdata  = hold ? {DATA_W{1'b0}} : sender_tdata;
  assign appreq_tkeep  = hold ? {DATA_W / 32{1'b0}} : sender_tkeep;
  assign appreq_tvalid = hold ? in_offer : sender_tvalid;
  assign appreq_tlast  = hold || sender_tlast;
  // The mask of the next sender's addresses is looked up behind a Page Request.
  assign appreq_tdi    = in_offer ? tdi_q : sender_tdi;
  assign appreq_msix   = !hold && sender_msix;
  assign appreq_msi    = !hold && sender_msi;
  assign appreq_pasid  = hold ? page_pasid : sender_pasid;
  assign sending       = state_q == ST_IDLE ? NONE : own;
  assign fault         = state_q != ST_IDLE && state_q != ST_READ && !hold;

  // ------------------------------------------------------------------ responses
  wire rsp_valid = PRI_EN != 0 && msgin_taken && msgin_hdr[127:120] == `PCIE_TYPE_MSG_ID &&
      msgin_hdr[71:64] == `PCIE_MSG_PRG_RESPONSE;
  reg rsp_q, rsp_ide_q, rsp_t_q;
  reg [TDI_W-1:0] rsp_tdi_q;
  reg [3:0] rsp_code_q;
  reg [8:0] rsp_index_q;
  reg [STREAM_W-1:0] rsp_stream_q;
  wire out_ide;
  wire [8:0] out_index;
  wire [13:0] out_rest;

  app_ram #(
      .WIDTH (OUT_W),
      .WORDS (NUM_TDI),
      .ADDR_W(TDI_W)
  ) u_out (
      .clk       (clk),
      .write_be  ({OUT_W / 8{sent}}),
      .write_addr(tdi_q),
      .write_data({appreq_ide, index_q, {(14 - STREAM_W) {1'b0}}, appreq_stream}),
      .read_req  (rsp_valid),
      .read_addr (msgin_tdi),
      .read_data ({out_ide, out_index, out_rest})
  );

  always @(posedge clk) begin
    if (rst) rsp_q <= 1'b0;
    else rsp_q <= rsp_valid;
    rsp_tdi_q    <= msgin_tdi;
    rsp_code_q   <= msgin_hdr[47:44];
    rsp_index_q  <= msgin_hdr[40:32];
    rsp_ide_q    <= msgin_ide;
    rsp_t_q      <= msgin_t;
    rsp_stream_q <= msgin_stream;
  end

  wire is_out = out_q[rsp_tdi_q] || stale_q[rsp_tdi_q];
  wire known = rsp_q && is_out && rsp_index_q == out_index;
  wire old = stale_q[rsp_tdi_q] || kill[rsp_tdi_q];
  wire right_way = !out_ide || (rsp_ide_q && rsp_t_q && rsp_stream_q == out_rest[STREAM_W-1:0]);
  wire discard = known && old;
  wire accept = known && !old && right_way;
  wire wrong_way = known && !old && !right_way;
  wire [NUM_TDI-1:0] answered = ONE << rsp_tdi_q;
  wire failure = rsp_code_q != SUCCESS && rsp_code_q != INVALID_REQUEST;

  always @(posedge clk) begin
    if (rst) begin
      pri_response_failure <= 1'b0;
      pri_unexpected_index <= 1'b0;
      error_event          <= NONE;
    end else begin
      pri_response_failure <= accept && failure;
      pri_unexpected_index <= rsp_q && !known;
      error_event          <= wrong_way ? answered & run : NONE;
    end
  end

  // ------------------------------------------------------------------ state of each function
  wire [NUM_TDI-1:0] now_out = sent ? own : NONE;
  wire [NUM_TDI-1:0] refused = want_q & ~loading & ~sending & (~may_ask | {NUM_TDI{!pri_enable}});
  wire [NUM_TDI-1:0] fail = refused | (denied && of_this_life ? own : NONE);
  wire [NUM_TDI-1:0] reset = {NUM_TDI{pri_reset_req}};
  wire [NUM_TDI-1:0] taken = accept ? answered : NONE;
  wire [NUM_TDI-1:0] bad = taken & {NUM_TDI{rsp_code_q != SUCCESS}};
  wire [NUM_TDI-1:0] aborted = (want_q | out_q) & (kill | reset);

  always @(posedge clk) begin
    if (rst) begin
      want_q  <= NONE;
      out_q   <= NONE;
      stale_q <= NONE;
      done_q  <= NONE;
      error_q <= NONE;
      count_q <= 10'd0;
    end else begin
      want_q <= ((want_q | start) & ~fail & ~now_out & ~kill) & ~reset;
      out_q <= (((out_q & ~taken) | (of_this_life ? now_out : NONE)) & ~kill) & ~reset;
      stale_q <= (((stale_q | (out_q & kill & ~taken)) & ~(discard ? answered : NONE)) |
          (of_this_life ? NONE : now_out)) & ~reset;
      done_q <= ((done_q & ~start) | fail | taken | aborted) & ~sweep;
      error_q <= ((error_q & ~start) | fail | bad | aborted) & ~sweep;
      if (pri_reset_req) count_q <= 10'd0;
      else if (sent && !(accept || discard)) count_q <= count_q + 10'd1;
      else if (!sent && (accept || discard)) count_q <= count_q - 10'd1;
    end
  end

  assign pri_idle = count_q == 10'd0 && !hold;
  assign status = {
    error_q[status_tdi], done_q[status_tdi], want_q[status_tdi] || out_q[status_tdi]
  };

  wire unused = &{1'b0, unused_grant, unused_program, out_rest, host_address[11:0], msgin_hdr};

endmodule

`default_nettype wire
