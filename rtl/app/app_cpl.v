// SPDX-License-Identifier: Apache-2.0
//
// app_cpl: takes the Completions of the function's own reads.
//
// A Completion must name an outstanding tag and its Requester ID, come on the stream of its request,
// and continue it exactly; T is ignored (TDISP-DMA-004). What does not match is dropped and changes
// nothing. Data is written only while the request is still wanted, checked on every beat.

`default_nettype none
`include "tdisp_defs.vh"
`include "pcie_defs.vh"

module app_cpl #(
    parameter DATA_W   = 128,
    parameter NUM_TDI  = 4,
    parameter TDI_W    = 2,
    parameter NUM_TAGS = 16,
    parameter TAG_W    = 4,
    parameter STREAM_W = 1,
    parameter SDI_EN   = 0  // all TDIs have the Requester ID of the physical function
) (
    input wire clk,
    input wire rst,

    output wire fault,  // the state machine was in no state of its own

    input  wire [       15:0] pf_rid,
    input  wire [NUM_TDI-1:0] run,     // TDIs in RUN
    input  wire [NUM_TDI-1:0] kill,
    output wire [NUM_TDI-1:0] active,  // a Completion for this function is in work

    // Completions from the link
    input  wire [       127:0] cplin_hdr,
    input  wire [  DATA_W-1:0] cplin_tdata,
    input  wire                cplin_tvalid,
    output wire                cplin_tready,
    input  wire                cplin_tlast,
    input  wire                cplin_ide,
    input  wire                cplin_t,
    input  wire [STREAM_W-1:0] cplin_stream,

    // Tag table
    output wire [   TAG_W-1:0] look_tag,
    input  wire                look_used,
    input  wire                look_late,
    input  wire                look_dead,
    input  wire [   TDI_W-1:0] look_tdi,
    input  wire                look_asks,
    input  wire                look_stale,
    input  wire                look_ide,
    input  wire [STREAM_W-1:0] look_stream,
    input  wire [        10:0] look_left,
    input  wire [         9:0] look_dw,
    input  wire [         4:0] look_low,
    output wire                hold_valid,
    output wire                take_req,
    output wire                take_all,
    output wire [        10:0] take_count,

    // Memory page of function `write_tdi`
    output wire                write_valid,  // depends on registers only
    input  wire                write_ready,
    output wire [   TDI_W-1:0] write_tdi,
    output wire [DATA_W/8-1:0] write_be,     // 0 while there is no beat
    output wire [         9:0] write_dw,
    output wire [  DATA_W-1:0] write_data,

    // A translation of function `write_tdi` has come
    output wire        fill_req,
    output wire [63:0] fill_entry,

    // What went wrong, one-cycle pulses
    output wire [ NUM_TDI-1:0] fail_req,                 // a wanted read failed
    output wire [ NUM_TDI-1:0] cpl_error_event,          // and its TDI is in RUN
    output wire [         3:0] cpl_error_cause,          // valid with it
    output wire                cpl_stream_error,
    output wire [STREAM_W-1:0] cpl_stream_error_stream,
    output wire                aer_unexpected_cpl
);

  localparam LANES = DATA_W / 32;
  localparam [31:0] BEAT = LANES;
  localparam [10:0] STEP = BEAT[10:0];
  localparam [31:0] COUNT = NUM_TAGS;
  localparam [TAG_W:0] TAGS = COUNT[TAG_W:0];
  localparam [NUM_TDI-1:0] ONE = 1;
  localparam [NUM_TDI-1:0] NONE = {NUM_TDI{1'b0}};

  // Hamming distance 2
  localparam [3:0] ST_IDLE = 4'b0011;
  localparam [3:0] ST_CHECK = 4'b0101;
  localparam [3:0] ST_TAKE = 4'b1001;
  localparam [3:0] ST_DROP = 4'b0110;

  reg [3:0] state_q, state_d;
  reg [127:0] hdr_q;
  reg arrived_ide_q, arrived_t_q;
  reg [STREAM_W-1:0] arrived_stream_q;
  reg used_q, late_q, discard_q, ide_q;
  reg asks_q;  // the request asks for a translation; look_stale: that is of no use any more
  reg [TDI_W-1:0] tdi_q;  // the function that the tag belongs to
  reg [STREAM_W-1:0] stream_q;
  reg [10:0] left_q;
  reg [4:0] low_q;
  reg [9:0] dw_q;
  reg [10:0] count_q;  // DWs of this Completion to go

  // ------------------------------------------------------------------ header
  wire with_data = hdr_q[127:120] == `PCIE_TYPE_CPLD;
  wire plain_type = with_data || hdr_q[127:120] == `PCIE_TYPE_CPL;
  wire poisoned = hdr_q[110];
  wire [10:0] count = {hdr_q[105:96] == 10'd0, hdr_q[105:96]};
  wire success = hdr_q[79:77] == `PCIE_CPL_SC;
  wire [TAG_W-1:0] tag = hdr_q[40+:TAG_W];
  // Tags that do not exist are unused; bits that no tag has must be 0.
  wire tag_in_range = cplin_hdr[47:40] >> TAG_W == 8'd0 && !cplin_hdr[119] && !cplin_hdr[115] &&
      {1'b0, look_tag} < TAGS;
  wire [15:0] rid = SDI_EN != 0 ? pf_rid : pf_rid + {{(16 - TDI_W) {1'b0}}, tdi_q};

  wire known = used_q && plain_type && hdr_q[118:116] == 3'd0 && hdr_q[63:48] == rid;
  // A translation comes whole, and its Lower Address says nothing.
  wire continues = with_data && hdr_q[75:64] == {left_q[9:0], 2'b00} &&
      (asks_q ? count == left_q : count <= left_q && hdr_q[38:32] == {low_q, 2'b00});
  wire expected = known && (success ? continues : !with_data);
  wire other_stream = known && ide_q && arrived_ide_q && arrived_stream_q != stream_q;
  wire in_clear = ide_q && !arrived_ide_q;

  wire check = state_q == ST_CHECK;
  wire wanted = !discard_q && !kill[tdi_q];
  wire accept = check && expected && !other_stream && !in_clear;
  wire failed = !success || poisoned;
  // A translation that was asked for with T = 1 must come with T = 1 (TDISP-FSM-011).
  wire untrusted = asks_q && ide_q && !(arrived_ide_q && arrived_t_q);

  // ------------------------------------------------------------------ data
  wire in_take = state_q == ST_TAKE;
  wire storing = !late_q && !discard_q && !failed && !asks_q;
  reg [DATA_W/8-1:0] beat_be;
  reg [10:0] lane_no;
  integer i;

  always @* begin
    beat_be = {DATA_W / 8{1'b0}};
    lane_no = 11'd0;
    for (i = 0; i < LANES; i = i + 1) begin
      lane_no = i[10:0];
      if (lane_no < count_q) beat_be[4*i+:4] = 4'hf;
    end
  end

  assign write_valid = in_take && storing;
  assign write_tdi = tdi_q;
  assign write_be = cplin_tvalid && wanted ? beat_be : {DATA_W / 8{1'b0}};
  assign write_dw = dw_q;
  assign write_data = cplin_tdata;
  assign fill_req = take_req && asks_q && !late_q && wanted && !look_stale && !failed && !untrusted;
  assign fill_entry = {
    cplin_tdata[7:0],
    cplin_tdata[15:8],
    cplin_tdata[23:16],
    cplin_tdata[31:24],
    cplin_tdata[39:32],
    cplin_tdata[47:40],
    cplin_tdata[55:48],
    cplin_tdata[63:56]
  };
  assign cplin_tready = (in_take && (write_ready || !storing)) || state_q == ST_DROP;
  wire taken = cplin_tvalid && cplin_tready;

  // ------------------------------------------------------------------ state
  always @* begin
    state_d = state_q;
    case (state_q)
      ST_IDLE: if (cplin_tvalid) state_d = ST_CHECK;
      ST_CHECK: state_d = accept ? ST_TAKE : ST_DROP;
      ST_TAKE, ST_DROP: if (taken && cplin_tlast) state_d = ST_IDLE;
      default: state_d = ST_DROP;
    endcase
  end

  always @(posedge clk) begin
    if (rst) state_q <= ST_IDLE;
    else state_q <= state_d;
    if (state_q == ST_IDLE) begin
      hdr_q            <= cplin_hdr;
      arrived_ide_q    <= cplin_ide;
      arrived_stream_q <= cplin_stream;
      arrived_t_q      <= cplin_t;
      used_q           <= look_used && tag_in_range;
      late_q           <= look_late;
      discard_q        <= look_dead || kill[look_tdi];
      tdi_q            <= look_tdi;
      asks_q           <= look_asks;
      ide_q            <= look_ide;
      stream_q         <= look_stream;
      left_q           <= look_left;
      low_q            <= look_low;
      dw_q             <= look_dw;
      count_q          <= {cplin_hdr[105:96] == 10'd0, cplin_hdr[105:96]};
    end else begin
      discard_q <= discard_q || kill[tdi_q];
      if (in_take && taken) begin
        dw_q    <= dw_q + STEP[9:0];
        count_q <= count_q > STEP ? count_q - STEP : 11'd0;
      end
    end
  end

  assign look_tag   = state_q == ST_IDLE ? cplin_hdr[40+:TAG_W] : tag;
  // From the look-up to the end the tag must not time out or get another owner.
  assign hold_valid = state_q == ST_IDLE ? cplin_tvalid : (check || in_take);
  assign take_req   = in_take && taken && cplin_tlast;
  assign take_all   = !success;
  assign take_count = success ? count : 11'd0;

  // ------------------------------------------------------------------ errors
  assign fault      = state_q != ST_IDLE && !check && !in_take && state_q != ST_DROP;

  assign active     = (check && used_q) || in_take ? ONE << tdi_q : NONE;
  wire lost = accept && failed && !(asks_q && look_stale);
  wire refused = check && expected && !other_stream && untrusted;
  wire [3:0] failure = poisoned ? `TDISP_CAUSE_POISONED : `TDISP_CAUSE_COMPLETION;
  assign fail_req                = (lost || refused) && !late_q && wanted ? ONE << tdi_q : NONE;
  assign cpl_error_event         = fail_req & run;
  assign cpl_error_cause         = refused ? `TDISP_CAUSE_ATS : failure;
  assign cpl_stream_error        = check && other_stream;
  assign cpl_stream_error_stream = arrived_stream_q;
  assign aer_unexpected_cpl      = check && !other_stream && (!accept || late_q);

  wire unused = &{1'b0, hdr_q[119], hdr_q[115:111], hdr_q[109:106], hdr_q[95:80], hdr_q[76],
                  hdr_q[47:39], hdr_q[31:0]};

endmodule

`default_nettype wire
