// SPDX-License-Identifier: Apache-2.0
//
// cfg_tlp: takes configuration requests one at a time, carries them out and answers them.
//
// A write is announced on cfg_watch three cycles before the registers change, so that a lock that it
// breaks is gone by then, and it completes as Successful whatever it breaks (TDISP-FSM-001, 002).
// cfg_write_busy spans everything from before the announcement until what follows from the registers
// is settled (TDISP-LOCK-028). What is no well-formed type 0 request for a function that exists is
// answered with Unsupported Request and has no effect. A state code that is none of the listed ones
// means that an announcement may be lost: it counts as a change of the Requester ID.

`default_nettype none
`include "pcie_defs.vh"

module cfg_tlp #(
    parameter DATA_W      = 128,
    parameter NUM_TDI     = 4,
    parameter TDI_W       = 2,
    parameter STREAM_W    = 1,
    parameter PF_FUNCTION = 0     // function number of the physical function
) (
    input wire clk,
    input wire rst,

    // Configuration requests
    input  wire [        127:0] cfgreq_hdr,
    input  wire [   DATA_W-1:0] cfgreq_tdata,
    input  wire [DATA_W/32-1:0] cfgreq_tkeep,
    input  wire                 cfgreq_tvalid,
    output wire                 cfgreq_tready,
    input  wire                 cfgreq_tlast,
    input  wire                 cfgreq_ide,
    input  wire                 cfgreq_t,
    input  wire [ STREAM_W-1:0] cfgreq_stream,

    // Their completions
    output wire [        127:0] cfgcpl_hdr,
    output wire [   DATA_W-1:0] cfgcpl_tdata,
    output wire [DATA_W/32-1:0] cfgcpl_tkeep,
    output wire                 cfgcpl_tvalid,
    input  wire                 cfgcpl_tready,
    output wire                 cfgcpl_tlast,
    output wire                 cfgcpl_ide,
    output wire                 cfgcpl_t,
    output wire [ STREAM_W-1:0] cfgcpl_stream,

    // Registers. The access is stable from the decode on; the masks say what a write can change.
    input  wire [NUM_TDI-1:0] tdi_present,
    output wire [  TDI_W-1:0] reg_func,
    output wire [       11:0] reg_addr,
    output wire [        3:0] reg_be,
    output wire [       31:0] reg_wdata,
    input  wire [       31:0] reg_rdata,
    input  wire [       31:0] reg_rw_mask,
    input  wire [       31:0] reg_w1c_mask,
    output wire               reg_write,      // the write takes effect in the next cycle
    output wire [       31:0] reg_value,      // read-write bits as they shall be
    output wire [       31:0] reg_clear,      // write-1-to-clear bits that were written 1
    output wire               poisoned_write, // pulse: refused, but reg_addr was meant

    // Announcement
    output wire        cfg_watch_valid,
    output wire [31:0] cfg_watch_old,
    output wire [31:0] cfg_watch_new,
    output wire        cfg_write_busy,

    // Requester ID of the physical function, with the captured bus and device number
    output wire [15:0] pf_rid,
    output wire        rid_change,

    output wire unsupported  // pulse: the request was answered with Unsupported Request
);

  generate
    if (NUM_TDI < 1 || NUM_TDI > 256) begin : g_check_num_tdi
      PARAM_ERROR_NUM_TDI_must_be_1_to_256 u_stop ();
    end
    if (PF_FUNCTION < 0 || PF_FUNCTION + NUM_TDI > 256) begin : g_check_pf_function
      PARAM_ERROR_PF_FUNCTION_plus_NUM_TDI_must_be_at_most_256 u_stop ();
    end
  endgenerate

  localparam KEEP_W = DATA_W / 32;

  // Hamming distance 4.
  localparam [7:0] ST_IDLE = 8'b00001111;
  localparam [7:0] ST_DRAIN = 8'b00110011;
  localparam [7:0] ST_DECODE = 8'b00111100;
  localparam [7:0] ST_READ = 8'b01010101;
  localparam [7:0] ST_WATCH = 8'b01011010;
  localparam [7:0] ST_WAIT = 8'b01100110;
  localparam [7:0] ST_COMMIT = 8'b01101001;
  localparam [7:0] ST_SETTLE = 8'b10010110;
  localparam [7:0] ST_RESPOND = 8'b10011001;
  localparam [7:0] ST_FAULT = 8'b10100101;

  reg [7:0] state_q, state_d;
  reg second_q;  // second cycle of ST_WAIT or ST_SETTLE

  // ------------------------------------------------------------------ the request
  reg [127:0] hdr_q;
  reg [31:0] wdata_q;
  reg ide_q, t_q;
  reg [STREAM_W-1:0] stream_q;
  reg served_q;

  wire [7:0] tlp_type = hdr_q[127:120];
  wire is_write = tlp_type == `PCIE_TYPE_CFGWR0;
  wire is_read = tlp_type == `PCIE_TYPE_CFGRD0;
  wire poisoned = is_write && hdr_q[110];
  // VF n follows the physical function by n, also into the next device number. Only as many bits of
  // the Requester ID tell functions apart as it takes, so that the device may be anywhere.
  localparam FN_W = TDI_W > 3 ? TDI_W : 3;
  localparam [15:0] RESET_RID = PF_FUNCTION[15:0];
  wire [FN_W-1:0] function_number = hdr_q[48+:FN_W] - RESET_RID[FN_W-1:0];  // of the TDI
  wire [15:0] distance = {{(16 - FN_W) {1'b0}}, function_number};
  wire [15:0] base_rid = hdr_q[63:48] - distance;
  wire [(1<<FN_W)-1:0] present = {{((1 << FN_W) - NUM_TDI) {1'b0}}, tdi_present};
  wire well_formed = (is_read || is_write) && hdr_q[105:96] == 10'd1 && hdr_q[71:68] == 4'h0;
  wire served = well_formed && !poisoned && present[function_number];

  assign reg_func  = function_number[TDI_W-1:0];
  assign reg_addr  = {hdr_q[43:34], 2'b00};
  assign reg_be    = hdr_q[67:64];
  assign reg_wdata = wdata_q;

  always @(posedge clk) begin
    if (state_q == ST_IDLE && cfgreq_tvalid) begin
      hdr_q    <= cfgreq_hdr;
      wdata_q  <= cfgreq_tdata[31:0];
      ide_q    <= cfgreq_ide;
      t_q      <= cfgreq_t;
      stream_q <= cfgreq_stream;
    end
    if (state_q == ST_DECODE) served_q <= served;
  end

  // ------------------------------------------------------------------ sequence
  always @* begin
    state_d = state_q;
    case (state_q)
      ST_IDLE: if (cfgreq_tvalid) state_d = cfgreq_tlast ? ST_DECODE : ST_DRAIN;
      ST_DRAIN: if (cfgreq_tvalid && cfgreq_tlast) state_d = ST_DECODE;
      ST_DECODE: state_d = ST_READ;
      ST_READ: state_d = served_q && is_write ? ST_WATCH : ST_RESPOND;
      ST_WATCH: state_d = ST_WAIT;
      ST_WAIT: if (second_q) state_d = ST_COMMIT;
      ST_COMMIT: state_d = ST_SETTLE;
      ST_SETTLE: if (second_q) state_d = ST_RESPOND;
      ST_RESPOND: if (cfgcpl_tready) state_d = ST_IDLE;
      ST_FAULT: state_d = ST_IDLE;
      default: state_d = ST_FAULT;
    endcase
  end

  always @(posedge clk) begin
    if (rst) begin
      state_q  <= ST_IDLE;
      second_q <= 1'b0;
    end else begin
      state_q  <= state_d;
      second_q <= (state_q == ST_WAIT || state_q == ST_SETTLE) && !second_q;
    end
  end

  assign cfgreq_tready = state_q == ST_IDLE || state_q == ST_DRAIN;

  // ------------------------------------------------------------------ old and new value
  reg [31:0] old_q, new_q, clear_q;

  wire [31:0] be_mask = {{8{hdr_q[67]}}, {8{hdr_q[66]}}, {8{hdr_q[65]}}, {8{hdr_q[64]}}};
  wire [31:0] written = reg_rw_mask & be_mask;
  wire [31:0] cleared = reg_w1c_mask & be_mask & wdata_q;

  always @(posedge clk) begin
    if (state_q == ST_READ) begin
      old_q   <= reg_rdata;
      new_q   <= ((reg_rdata & ~written) | (wdata_q & written)) & ~cleared;
      clear_q <= cleared;
    end
  end

  assign reg_write = state_q == ST_COMMIT;
  assign reg_value = new_q;
  assign reg_clear = clear_q;
  assign poisoned_write = state_q == ST_READ && well_formed && poisoned && present[function_number];
  assign unsupported = state_q == ST_READ && !served_q && !poisoned;

  assign cfg_watch_valid = state_q == ST_WATCH;
  assign cfg_watch_old = old_q;
  assign cfg_watch_new = new_q;
  assign cfg_write_busy = state_q == ST_WATCH || state_q == ST_WAIT || state_q == ST_COMMIT ||
      state_q == ST_SETTLE || (state_q == ST_READ && served_q && is_write);

  // ------------------------------------------------------------------ captured numbers
  reg [15:0] rid_q;

  always @(posedge clk) begin
    if (rst) rid_q <= RESET_RID;
    else if (reg_write) rid_q <= base_rid;
  end

  assign pf_rid     = rid_q;
  assign rid_change = (cfg_watch_valid && rid_q != base_rid) || state_q == ST_FAULT;

  // ------------------------------------------------------------------ completion
  wire with_data = served_q && is_read;
  wire [15:0] completer = rid_q + (served_q ? distance : 16'd0);

  assign cfgcpl_hdr = {
    with_data ? `PCIE_TYPE_CPLD : `PCIE_TYPE_CPL,
    hdr_q[119:114],
    4'b0000,
    hdr_q[109:108],
    2'b00,
    9'd0,
    with_data,
    completer,
    served_q ? `PCIE_CPL_SC : `PCIE_CPL_UR,
    1'b0,
    12'd4,
    hdr_q[95:72],
    8'd0,
    32'd0
  };
  assign cfgcpl_tdata = {{(DATA_W - 32) {1'b0}}, with_data ? old_q : 32'd0};
  assign cfgcpl_tkeep = {{(KEEP_W - 1) {1'b0}}, with_data};
  assign cfgcpl_tvalid = state_q == ST_RESPOND;
  assign cfgcpl_tlast = 1'b1;
  assign cfgcpl_ide = ide_q;
  assign cfgcpl_t = t_q;
  assign cfgcpl_stream = stream_q;

  wire unused = &{1'b0, cfgreq_tkeep, cfgreq_tdata[DATA_W-1:32], hdr_q[113:111], hdr_q[107:106],
                  hdr_q[47:44], hdr_q[33:0], function_number};

endmodule

`default_nettype wire
