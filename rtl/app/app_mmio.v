// SPDX-License-Identifier: Apache-2.0
//
// app_mmio: completer of the function's memory space, one request at a time, in order.
//
// The request was admitted when it was offered. If its TDI changes state while it is here, the
// admission is worth nothing: all but T = 0 requests to the public page and the ROM are then refused
// (TDISP-MMIO-001 to 003, 007). A function that is being cleared refuses everything. A read that is
// refused when some of its Completions have left ends with one UR in place of those that remain.
// Read data is cut at addresses that are multiples of the payload size, which every Read Completion
// Boundary divides. A Completion mirrors T, stream, tag, TC and attributes (TDISP-MMIO-006,
// IDE-SEL-002).

`default_nettype none
`include "tdisp_defs.vh"
`include "pcie_defs.vh"
`include "app_defs.vh"

module app_mmio #(
    parameter DATA_W      = 128,
    parameter NUM_TDI     = 4,
    parameter TDI_W       = 2,
    parameter STREAM_W    = 1,
    parameter MAX_PAYLOAD = 512
) (
    input wire clk,
    input wire rst,

    output wire fault,  // the state machine was in no state of its own

    input  wire [       15:0] pf_rid,
    input  wire [NUM_TDI-1:0] state_changed,     // tdi_state is not what it was a cycle ago
    input  wire [NUM_TDI-1:0] scrub_busy,
    input  wire [        2:0] max_payload_size,
    output wire [NUM_TDI-1:0] active,            // a request for this function is in work

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

    // The function and page of all accesses below
    output wire [TDI_W-1:0] access_tdi,
    output wire             access_bar,
    output wire             access_rom,    // Expansion ROM
    output wire             access_second, // BAR0: public page, BAR2: Pending Bit Array

    // Memory page: a beat a cycle
    output wire                mem_write_valid,  // depends on registers only
    input  wire                mem_write_ready,
    output wire [DATA_W/8-1:0] mem_write_be,     // 0 while there is no beat
    output wire [         9:0] mem_write_dw,
    output wire [  DATA_W-1:0] mem_write_data,
    output wire                mem_read_valid,
    input  wire                mem_read_ready,
    output wire [         9:0] mem_read_dw,
    input  wire                mem_read_answer,  // one cycle after the read was taken
    input  wire [  DATA_W-1:0] mem_read_data,

    // Other pages: a DW a cycle
    output wire        reg_write,
    input  wire        reg_write_ready,
    output wire        reg_read,
    output wire [ 9:0] reg_dw,
    output wire [31:0] reg_write_data,
    output wire [ 3:0] reg_write_be,
    input  wire [31:0] reg_read_data     // one cycle after reg_read
);

  localparam LANES = DATA_W / 32;
  localparam LANE_W = DATA_W == 128 ? 2 : DATA_W == 256 ? 3 : 4;
  localparam [31:0] BEAT = LANES;
  localparam [10:0] STEP = BEAT[10:0];
  localparam [31:0] PAYLOAD_DW = MAX_PAYLOAD / 4;
  localparam [10:0] MAX_DW = PAYLOAD_DW[10:0];
  localparam [NUM_TDI-1:0] ONE = 1;

  // Hamming distance 2
  localparam [5:0] ST_IDLE = 6'b000011;
  localparam [5:0] ST_CHECK = 6'b000101;
  localparam [5:0] ST_WRITE = 6'b001001;
  localparam [5:0] ST_DISCARD = 6'b010001;
  localparam [5:0] ST_SPLIT = 6'b100001;
  localparam [5:0] ST_COMPLETE = 6'b000110;
  localparam [5:0] ST_REFUSE = 6'b001010;

  reg [5:0] state_q, state_d;
  reg [127:0] hdr_q;
  reg ide_q, t_q, bar_q;
  reg [STREAM_W-1:0] stream_q;
  reg [TDI_W-1:0] tdi_q;
  reg [16:2] offset_q;
  reg stale_q;
  reg [15:0] rid_q;
  reg [9:0] dw_q, dw_d;  // next DW in the page
  reg [10:0] left_q, left_d;  // DWs to go
  reg [11:0] bytes_q, bytes_d;  // Byte Count to go, modulo 4096
  reg [1:0] low_q, low_d;  // first byte of the next Completion in its DW
  reg first_q, first_d;  // the next beat starts the request
  reg [LANE_W-1:0] lane_q, lane_d;

  // ------------------------------------------------------------------ header
  wire write = hdr_q[126];
  wire [3:0] first_be = hdr_q[67:64];
  wire [3:0] last_be = hdr_q[71:68];
  wire [10:0] total = {hdr_q[105:96] == 10'd0, hdr_q[105:96]};
  wire single = total == 11'd1;

  function automatic [1:0] lowest(input reg [3:0] be);  // first enabled byte
    lowest = be[0] ? 2'd0 : be[1] ? 2'd1 : be[2] ? 2'd2 : be[3] ? 2'd3 : 2'd0;
  endfunction

  function automatic [1:0] above(input reg [3:1] be);  // bytes after the last enabled one
    above = be[3] ? 2'd0 : be[2] ? 2'd1 : be[1] ? 2'd2 : 2'd3;
  endfunction

  wire [1:0] skipped_low = lowest(first_be);
  wire [1:0] skipped_high = above(single ? first_be[3:1] : last_be[3:1]);
  // A read without byte enables counts as one byte.
  wire [11:0] byte_count = (single && first_be == 4'h0) ? 12'd1 :
      {total[9:0], 2'b00} - {10'd0, skipped_low} - {10'd0, skipped_high};

  wire memory_page = !bar_q && offset_q[13:12] == 2'd2;
  wire public_page = !bar_q && offset_q[13:12] == 2'd1;
  wire rom_page = !bar_q && offset_q[13:12] == 2'd3;
  wire changed = stale_q || state_changed[tdi_q];
  // Clearing begins when no request is here: once due, it stays so to the end of the request.
  wire refuse = scrub_busy[tdi_q] || (changed && !((public_page || rom_page) && !t_q));
  wire goes_on = !refuse;  // a read, asked before each Completion

  // ------------------------------------------------------------------ completion size
  wire [10:0] payload_dw = (11'd32 << max_payload_size) > MAX_DW ? MAX_DW :
      (11'd32 << max_payload_size);
  wire [10:0] to_boundary = payload_dw - ({1'b0, dw_q} & (payload_dw - 11'd1));
  wire [10:0] chunk = left_q < to_boundary ? left_q : to_boundary;
  reg [10:0] chunk_q;

  // ------------------------------------------------------------------ reads
  wire fetch_valid, fetch_ready, fetch_busy;
  wire [9:0] fetch_dw, reg_read_dw;
  wire [10:0] fetch_left;
  wire [DATA_W-1:0] beat_tdata;
  wire [LANES-1:0] beat_tkeep;
  wire beat_tvalid, beat_tlast;
  wire [DATA_W-1:0] gather_data;
  wire gather_answer, gather_ready;
  wire complete_done = beat_tvalid && appcpl_tready && beat_tlast;

  app_reader #(
      .DATA_W(DATA_W)
  ) u_reader (
      .clk         (clk),
      .rst         (rst),
      .start_req   (state_q == ST_SPLIT && goes_on),
      .start_dw    (dw_q),
      .start_count (chunk),
      .busy        (fetch_busy),
      .fetch_valid (fetch_valid),
      .fetch_ready (fetch_ready),
      .fetch_dw    (fetch_dw),
      .fetch_left  (fetch_left),
      .answer_valid(memory_page ? mem_read_answer : gather_answer),
      .answer_data (memory_page ? mem_read_data : gather_data),
      .beat_tdata  (beat_tdata),
      .beat_tkeep  (beat_tkeep),
      .beat_tvalid (beat_tvalid),
      .beat_tready (appcpl_tready && state_q == ST_COMPLETE),
      .beat_tlast  (beat_tlast)
  );

  assign fetch_ready = memory_page ? mem_read_ready : gather_ready;

  app_gather #(
      .DATA_W(DATA_W),
      .LANE_W(LANE_W)
  ) u_gather (
      .clk          (clk),
      .rst          (rst),
      .fetch_valid  (fetch_valid && !memory_page),
      .fetch_ready  (gather_ready),
      .fetch_dw     (fetch_dw),
      .fetch_left   (fetch_left),
      .answer_valid (gather_answer),
      .answer_data  (gather_data),
      .reg_read     (reg_read),
      .reg_dw       (reg_read_dw),
      .reg_read_data(reg_read_data)
  );

  // ------------------------------------------------------------------ writes
  reg [DATA_W/8-1:0] beat_be;
  reg [10:0] lane_no;
  integer i;

  always @* begin
    beat_be = {DATA_W / 8{1'b0}};
    lane_no = 11'd0;
    for (i = 0; i < LANES; i = i + 1) begin
      lane_no = i[10:0];
      if (lane_no < left_q) begin
        beat_be[4*i+:4] = 4'hf;
        if (first_q && lane_no == 11'd0) beat_be[4*i+:4] = first_be;
        else if (lane_no == left_q - 11'd1) beat_be[4*i+:4] = last_be;
      end
    end
  end

  wire in_write = state_q == ST_WRITE;
  // left_q counts down inside the beat while its DWs go to registers one by one.
  wire last_lane = left_q == 11'd1 || &lane_q;
  wire reg_first = first_q && lane_q == {LANE_W{1'b0}};

  assign mem_write_valid = in_write && memory_page;
  assign mem_write_be    = mmio_tvalid ? beat_be : {DATA_W / 8{1'b0}};
  assign mem_write_dw    = dw_q;
  assign mem_write_data  = mmio_tdata;
  assign reg_write       = in_write && !memory_page && mmio_tvalid && reg_write_ready;
  assign reg_write_data  = mmio_tdata[32*lane_q+:32];
  assign reg_write_be    = reg_first ? first_be : left_q == 11'd1 ? last_be : 4'hf;
  assign reg_dw          = in_write ? dw_q : reg_read_dw;

  wire write_beat_ready = memory_page ? mem_write_ready : (reg_write_ready && last_lane);
  assign mmio_tready = (in_write && write_beat_ready) || state_q == ST_DISCARD;
  wire taken = mmio_tvalid && mmio_tready;

  // ------------------------------------------------------------------ state
  always @* begin
    state_d = state_q;
    dw_d    = dw_q;
    left_d  = left_q;
    bytes_d = bytes_q;
    low_d   = low_q;
    first_d = first_q;
    lane_d  = lane_q;
    case (state_q)
      ST_IDLE: if (mmio_tvalid) state_d = ST_CHECK;
      ST_CHECK: begin
        dw_d    = offset_q[11:2];
        left_d  = total;
        bytes_d = byte_count;
        low_d   = skipped_low;
        first_d = 1'b1;
        lane_d  = {LANE_W{1'b0}};
        if (write) state_d = refuse ? ST_DISCARD : ST_WRITE;
        else state_d = refuse ? ST_REFUSE : ST_SPLIT;
      end
      ST_WRITE: begin
        if (memory_page && taken) begin
          dw_d    = dw_q + STEP[9:0];
          left_d  = left_q > STEP ? left_q - STEP : 11'd0;
          first_d = 1'b0;
        end else if (reg_write) begin
          dw_d   = dw_q + 10'd1;
          left_d = left_q - 11'd1;
          lane_d = last_lane ? {LANE_W{1'b0}} : lane_q + 1'b1;
          if (taken) first_d = 1'b0;
        end
        if (taken) begin
          if (mmio_tlast) state_d = ST_IDLE;
          else if (left_d == 11'd0) state_d = ST_DISCARD;
        end
      end
      ST_SPLIT: state_d = goes_on ? ST_COMPLETE : ST_REFUSE;
      ST_COMPLETE: begin
        if (complete_done) begin
          dw_d    = dw_q + chunk_q[9:0];
          left_d  = left_q - chunk_q;
          bytes_d = bytes_q - {chunk_q[9:0], 2'b00} + {10'd0, low_q};
          low_d   = 2'd0;
          state_d = left_q == chunk_q ? ST_DISCARD : ST_SPLIT;
        end
      end
      ST_REFUSE: if (appcpl_tready) state_d = ST_DISCARD;
      ST_DISCARD: if (taken && mmio_tlast) state_d = ST_IDLE;
      default: state_d = ST_DISCARD;
    endcase
  end

  always @(posedge clk) begin
    if (rst) begin
      state_q <= ST_IDLE;
      stale_q <= 1'b0;
    end else begin
      state_q <= state_d;
      // Latched from the first cycle in which the request is offered: a state that comes back
      // while a Completion waits does not bring the admission back.
      stale_q <= state_q == ST_IDLE ? mmio_tvalid && state_changed[mmio_tdi] : changed;
    end
    dw_q    <= dw_d;
    left_q  <= left_d;
    bytes_q <= bytes_d;
    low_q   <= low_d;
    first_q <= first_d;
    lane_q  <= lane_d;
    if (state_q == ST_SPLIT) chunk_q <= chunk;
    if (state_q == ST_IDLE) begin
      hdr_q    <= mmio_hdr;
      ide_q    <= mmio_ide;
      t_q      <= mmio_t;
      stream_q <= mmio_stream;
      tdi_q    <= mmio_tdi;
      bar_q    <= mmio_bar;
      offset_q <= mmio_offset[16:2];
      rid_q    <= pf_rid + {{(16 - TDI_W) {1'b0}}, mmio_tdi};
    end
  end

  // ------------------------------------------------------------------ completions
  wire refused = state_q == ST_REFUSE;
  wire [7:0] cpl_type = refused ? `PCIE_TYPE_CPL : `PCIE_TYPE_CPLD;
  wire [2:0] cpl_status = refused ? `PCIE_CPL_UR : `PCIE_CPL_SC;
  wire [9:0] cpl_len = refused ? 10'd0 : chunk_q[9:0];

  assign appcpl_hdr = {
    cpl_type,
    hdr_q[119:114],
    2'b00,
    2'b00,
    hdr_q[109:108],
    2'b00,
    cpl_len,
    rid_q,
    cpl_status,
    1'b0,
    bytes_q,
    hdr_q[95:72],
    1'b0,
    dw_q[4:0],
    low_q,
    32'd0
  };
  assign appcpl_tdata = refused ? {DATA_W{1'b0}} : beat_tdata;
  assign appcpl_tkeep = refused ? {LANES{1'b0}} : beat_tkeep;
  assign appcpl_tvalid = refused || (state_q == ST_COMPLETE && beat_tvalid);
  assign appcpl_tlast = refused || beat_tlast;
  assign appcpl_ide = ide_q;
  assign appcpl_t = t_q;
  assign appcpl_stream = stream_q;

  assign fault = state_q != ST_IDLE && state_q != ST_CHECK && state_q != ST_WRITE &&
      state_q != ST_DISCARD && state_q != ST_SPLIT && state_q != ST_COMPLETE &&
      state_q != ST_REFUSE;
  assign active = state_q != ST_IDLE ? ONE << tdi_q : {NUM_TDI{1'b0}};
  assign access_tdi = tdi_q;
  assign access_bar = bar_q;
  assign access_rom = rom_page;
  assign access_second = bar_q ? offset_q[16] : public_page;
  assign mem_read_valid = fetch_valid && memory_page;
  assign mem_read_dw = fetch_dw;

  wire unused = &{1'b0, fetch_busy, mmio_offset[1:0], hdr_q[127], hdr_q[125:120], hdr_q[113:110],
                  hdr_q[107:106], hdr_q[63:0], offset_q[15:14]};

endmodule

`default_nettype wire
