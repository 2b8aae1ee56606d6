// SPDX-License-Identifier: Apache-2.0
//
// app_sender: makes the memory requests of all functions, one TLP at a time.
//
// Functions take turns TLP by TLP, those that read and those that write each in an order of their
// own: so a function that waits for a tag keeps its place. An interrupt message goes before the next
// data TLP. A TLP stays within the payload or read request size and inside one 4 KiB page. Its
// Requester ID is that of the function (TDISP-DMA-007). Once offered, a TLP is finished whatever
// happens; the filter behind decides on its first beat and says within the cycle after its last one
// when it was refused.

`default_nettype none
`include "pcie_defs.vh"

module app_sender #(
    parameter DATA_W      = 128,
    parameter NUM_TDI     = 4,
    parameter TDI_W       = 2,
    parameter TAG_W       = 4,
    parameter STREAM_W    = 1,
    parameter MAX_PAYLOAD = 512
) (
    input wire clk,
    input wire rst,

    output wire fault,  // the state machine was in no state of its own

    input wire [       15:0] pf_rid,
    input wire [        2:0] max_payload_size,
    input wire [        2:0] max_read_request_size,
    input wire [        2:0] attr_enable,            // that the host lets requests have
    input wire               atomic_enable,
    input wire [NUM_TDI-1:0] hint_enable,
    input wire [NUM_TDI-1:0] kill,

    // Transfers
    input  wire [NUM_TDI-1:0] want_write,
    input  wire [NUM_TDI-1:0] want_read,
    output wire [NUM_TDI-1:0] sending,
    output wire               select_req,
    output wire [  TDI_W-1:0] select,
    input  wire [       63:2] select_host,    // one cycle after select_req, to the next one
    input  wire [        9:0] select_dw,
    input  wire [       10:0] select_left,
    input  wire [        2:0] select_attr,
    input  wire [        1:0] select_atomic,
    input  wire [       20:0] select_pasid,
    input  wire [        2:0] select_hint,
    output wire               sent_req,
    output wire [       10:0] sent_count,
    output wire [NUM_TDI-1:0] denied_req,     // a TLP of the transfer was refused

    // Translations; the answer comes when select_host does
    input  wire [NUM_TDI-1:0] translates,             // transfers that use translated addresses
    input  wire [NUM_TDI-1:0] writes,                 // to the host
    input  wire [NUM_TDI-1:0] want_translation,
    output wire               ask_req,                // one is being asked for
    output wire               ask_no_write,           // only to read
    input  wire               translation_hit,
    input  wire               translation_reads,
    input  wire               translation_writes,
    input  wire               translation_read_only,  // writing was not asked for
    input  wire [      63:12] translated,
    output wire               forget_req,             // the translation of `select` is of no use

    // Interrupt messages
    input  wire             message_valid,
    output wire             message_ready,
    input  wire             message_msi,      // by MSI, else by MSI-X
    input  wire [TDI_W-1:0] message_tdi,
    input  wire [     63:0] message_address,
    input  wire [     31:0] message_data,

    // Tags
    input  wire [   TAG_W-1:0] free_tag,
    output wire                alloc_req,
    output wire [   TAG_W-1:0] alloc_tag,
    output wire [   TDI_W-1:0] alloc_tdi,
    output wire                alloc_dead,
    output wire                alloc_ide,
    output wire [STREAM_W-1:0] alloc_stream,
    output wire [        10:0] alloc_count,
    output wire [         9:0] alloc_dw,
    output wire [         4:0] alloc_low,
    output wire                alloc_asks,
    output wire                alloc_uses,

    // Memory page of function `select`
    output wire              mem_read_valid,
    input  wire              mem_read_ready,
    output wire [       9:0] mem_read_dw,
    input  wire              mem_read_answer,
    input  wire [DATA_W-1:0] mem_read_data,

    // Requests
    output wire [        127:0] appreq_hdr,
    output wire [   DATA_W-1:0] appreq_tdata,
    output wire [DATA_W/32-1:0] appreq_tkeep,
    output wire                 appreq_tvalid,
    input  wire                 appreq_tready,
    output wire                 appreq_tlast,
    output wire [    TDI_W-1:0] appreq_tdi,
    output wire                 appreq_msix,    // an interrupt by MSI-X
    output wire                 appreq_msi,     // an interrupt by MSI
    output wire [         20:0] appreq_pasid,   // valid, and the PASID
    input  wire                 appreq_denied,  // the three belong to the cycle after the last beat
    input  wire                 appreq_ide,
    input  wire [ STREAM_W-1:0] appreq_stream
);

  localparam LANES = DATA_W / 32;
  localparam [31:0] PAYLOAD_DW = MAX_PAYLOAD / 4;
  localparam [10:0] MAX_DW = PAYLOAD_DW[10:0];
  localparam [31:0] LAST_TDI = NUM_TDI - 1;
  localparam [NUM_TDI-1:0] ONE = 1;
  localparam [NUM_TDI-1:0] NONE = {NUM_TDI{1'b0}};
  localparam [10:0] TRANSLATION_DW = 11'd2;
  localparam [2:0] NO_SNOOP = 3'b001;

  // Hamming distance 2
  localparam [5:0] ST_SEARCH = 6'b000011;
  localparam [5:0] ST_READ = 6'b000101;
  localparam [5:0] ST_SIZE = 6'b001001;
  localparam [5:0] ST_FETCH = 6'b010001;
  localparam [5:0] ST_SEND = 6'b100001;
  localparam [5:0] ST_RESULT = 6'b000110;

  reg [5:0] state_q, state_d;
  reg [TDI_W-1:0] tdi_q;  // whose turn it is
  reg [TDI_W-1:0] last_write_q, last_read_q;
  reg [TDI_W-1:0] interrupt_tdi_q;
  reg interrupt_q, write_q;
  reg msi_q;  // it is an interrupt by MSI
  reg reads_first_q;  // the last data TLP was a write
  reg wanted_q;  // the transfer of this TLP is still the one it was made for
  reg [10:0] count_q;
  reg [10:0] moved_q;  // DWs of the transfer that it accounts for
  reg [9:0] dw_q;
  reg [63:2] address_q;
  reg [31:0] data_q;
  reg [15:0] rid_q;
  reg [2:0] attr_q;
  reg [1:0] atomic_q;
  reg [20:0] pasid_q;
  reg [2:0] hint_q;  // TH and PH
  reg asks_q, uses_q;  // Translation Request, translated address
  reg no_write_q;  // of a Translation Request
  reg [TAG_W-1:0] tag_q;

  wire [TDI_W-1:0] owner = interrupt_q ? interrupt_tdi_q : tdi_q;
  wire in_send = state_q == ST_SEND;
  wire taken = appreq_tvalid && appreq_tready;
  wire with_data = write_q || atomic_q != 2'd0;
  wire reads_memory = with_data && !interrupt_q;

  // ------------------------------------------------------------------ turns
  wire any_write, any_read;
  wire [TDI_W-1:0] first_write, first_read;
  wire [NUM_TDI-1:0] unused_write, unused_read;

  rotate_first #(
      .N(NUM_TDI),
      .W(TDI_W)
  ) u_writes (
      .request(want_write),
      .last   (last_write_q),
      .any    (any_write),
      .idx    (first_write),
      .grant  (unused_write)
  );

  rotate_first #(
      .N(NUM_TDI),
      .W(TDI_W)
  ) u_reads (
      .request(want_read),
      .last   (last_read_q),
      .any    (any_read),
      .idx    (first_read),
      .grant  (unused_read)
  );

  wire take_message = state_q == ST_SEARCH && message_valid;
  wire take_turn = state_q == ST_SEARCH && !message_valid && (any_write || any_read);
  wire turn_writes = any_write && !(reads_first_q && any_read);  // the two kinds alternate

  // ------------------------------------------------------------------ size
  wire [10:0] payload_dw = (11'd32 << max_payload_size) > MAX_DW ? MAX_DW :
      (11'd32 << max_payload_size);
  wire [10:0] request_dw = max_read_request_size > 3'd5 ? 11'd1024 :
      (11'd32 << max_read_request_size);
  wire [10:0] limit = write_q ? payload_dw : request_dw;
  wire [10:0] to_page_end = 11'd1024 - {1'b0, select_host[11:2]};
  wire [10:0] fits = limit < to_page_end ? limit : to_page_end;
  wire [10:0] chunk = select_left < fits ? select_left : fits;

  // ------------------------------------------------------------------ payload
  wire [DATA_W-1:0] beat_tdata;
  wire [LANES-1:0] beat_tkeep;
  wire beat_tvalid, beat_tlast, fetch_busy;
  wire [10:0] fetch_left;

  app_reader #(
      .DATA_W(DATA_W)
  ) u_reader (
      .clk         (clk),
      .rst         (rst),
      .start_req   (state_q == ST_FETCH && reads_memory),
      .start_dw    (dw_q),
      .start_count (count_q),
      .busy        (fetch_busy),
      .fetch_valid (mem_read_valid),
      .fetch_ready (mem_read_ready),
      .fetch_dw    (mem_read_dw),
      .fetch_left  (fetch_left),
      .answer_valid(mem_read_answer),
      .answer_data (mem_read_data),
      .beat_tdata  (beat_tdata),
      .beat_tkeep  (beat_tkeep),
      .beat_tvalid (beat_tvalid),
      .beat_tready (appreq_tready && in_send && reads_memory),
      .beat_tlast  (beat_tlast)
  );

  // ------------------------------------------------------------------ state
  wire [NUM_TDI-1:0] want = write_q ? want_write : want_read;
  wire still_wanted = wanted_q && !kill[tdi_q] && want[tdi_q];

  // ------------------------------------------------------------------ what ST_SIZE finds out
  wire select_is_atomic = select_atomic != 2'd0;
  wire uses = translates[tdi_q] && !asks_q;
  wire sends_data = write_q || select_is_atomic;
  wire permitted = (translation_reads || write_q) && (translation_writes || !sends_data);
  // What was asked for only to read is asked for again when it is to be written.
  wire final_answer = translation_hit && !(translation_read_only && sends_data);
  wire not_allowed = (select_is_atomic && !atomic_enable) || (uses && final_answer && !permitted);
  wire goes = still_wanted && !not_allowed && !(uses && !(translation_hit && permitted));
  wire [2:0] attr = select_attr & attr_enable;
  // Reads and writes of a transfer have hints, neither AtomicOps nor Translation Requests.
  wire hinted = select_hint[2] && hint_enable[tdi_q] && !select_is_atomic && !asks_q;

  always @* begin
    state_d = state_q;
    case (state_q)
      ST_SEARCH: begin
        if (take_message) state_d = ST_FETCH;
        else if (take_turn) state_d = ST_READ;
      end
      ST_READ:   state_d = ST_SIZE;
      // The last moment at which an aborted transfer sends nothing.
      ST_SIZE:   state_d = goes ? ST_FETCH : ST_SEARCH;
      ST_FETCH:  state_d = ST_SEND;
      ST_SEND:   if (taken && appreq_tlast) state_d = ST_RESULT;
      ST_RESULT: state_d = ST_SEARCH;
      default:   state_d = ST_SEARCH;
    endcase
  end

  always @(posedge clk) begin
    if (rst) begin
      state_q       <= ST_SEARCH;
      tdi_q         <= {TDI_W{1'b0}};
      last_write_q  <= LAST_TDI[TDI_W-1:0];
      last_read_q   <= LAST_TDI[TDI_W-1:0];
      write_q       <= 1'b0;
      reads_first_q <= 1'b0;
    end else begin
      state_q <= state_d;
      if (take_message) begin
        write_q <= 1'b1;
        asks_q  <= 1'b0;
      end else if (take_turn) begin
        write_q       <= turn_writes;
        reads_first_q <= turn_writes;
        asks_q        <= !turn_writes && want_translation[first_read];
        tdi_q         <= turn_writes ? first_write : first_read;
        if (turn_writes) last_write_q <= first_write;
        else last_read_q <= first_read;
      end
    end
    if (state_q == ST_SEARCH) begin
      interrupt_q     <= message_valid;
      interrupt_tdi_q <= message_tdi;
      msi_q           <= message_msi;
      wanted_q        <= 1'b1;
      tag_q           <= free_tag;
      if (message_valid) begin
        address_q  <= message_address[63:2];
        data_q     <= message_data;
        count_q    <= 11'd1;
        attr_q     <= 3'b000;
        uses_q     <= 1'b0;
        no_write_q <= 1'b0;
        atomic_q   <= 2'd0;
        pasid_q    <= 21'd0;
        hint_q     <= 3'd0;
        rid_q      <= pf_rid + {{(16 - TDI_W) {1'b0}}, message_tdi};
      end
    end else if (kill[owner]) begin
      wanted_q <= 1'b0;
    end
    if (state_q == ST_SIZE) begin
      address_q  <= select_host;
      count_q    <= &select_atomic ? {chunk[9:0], 1'b0} : chunk;  // CAS has two operands
      moved_q    <= chunk;
      atomic_q   <= select_atomic;
      hint_q     <= hinted ? select_hint : 3'd0;
      pasid_q    <= uses ? 21'd0 : select_pasid;
      dw_q       <= select_dw;
      rid_q      <= pf_rid + {{(16 - TDI_W) {1'b0}}, tdi_q};
      attr_q     <= attr;
      uses_q     <= uses;
      no_write_q <= ask_no_write;
      if (uses) begin
        address_q[63:12] <= translated;
        attr_q           <= attr & ~NO_SNOOP;  // a translation may forbid it
      end
      if (asks_q) begin
        address_q[11:2] <= 10'd0;
        count_q         <= TRANSLATION_DW;
        moved_q         <= 11'd0;
        atomic_q        <= 2'd0;
        attr_q          <= 3'b000;
      end
    end
  end

  // ------------------------------------------------------------------ request
  wire long_address = address_q[63:32] != 32'd0;
  reg [7:0] tlp_type;

  always @* begin
    tlp_type = long_address ? `PCIE_TYPE_MRD64 : `PCIE_TYPE_MRD32;
    if (write_q) begin
      tlp_type = long_address ? `PCIE_TYPE_MWR64 : `PCIE_TYPE_MWR32;
    end else begin
      case (atomic_q)
        2'd1: tlp_type = long_address ? `PCIE_TYPE_FETCH_ADD64 : `PCIE_TYPE_FETCH_ADD32;
        2'd2: tlp_type = long_address ? `PCIE_TYPE_SWAP64 : `PCIE_TYPE_SWAP32;
        2'd3: tlp_type = long_address ? `PCIE_TYPE_CAS64 : `PCIE_TYPE_CAS32;
        default: ;
      endcase
    end
  end

  wire [ 7:0] tag = write_q ? 8'd0 : {{(8 - TAG_W) {1'b0}}, tag_q};
  wire [ 3:0] last_be = count_q == 11'd1 ? 4'h0 : 4'hf;
  // With TH, byte enables of a read and tag of a write are the Steering Tag: 0 in No ST Mode.
  wire [ 7:0] enables = hint_q[2] && !write_q ? 8'h00 : {last_be, 4'hf};
  wire [31:0] low_address = {address_q[31:2], hint_q[1], hint_q[0] || no_write_q};

  assign appreq_hdr = {
    tlp_type,
    5'h00,
    attr_q[2],
    1'b0,
    hint_q[2],
    2'b00,
    attr_q[1:0],
    uses_q,
    asks_q,
    count_q[9:0],
    rid_q,
    tag,
    enables,
    long_address ? address_q[63:32] : low_address,
    long_address ? low_address : 32'd0
  };
  assign appreq_tdata = interrupt_q ? {{(DATA_W - 32) {1'b0}}, data_q} :
      with_data ? beat_tdata : {DATA_W{1'b0}};
  assign appreq_tkeep = interrupt_q ? {{(LANES - 1) {1'b0}}, 1'b1} :
      with_data ? beat_tkeep : {LANES{1'b0}};
  assign appreq_tvalid = in_send && (!reads_memory || beat_tvalid);
  assign appreq_tlast = !reads_memory || beat_tlast;
  assign appreq_tdi = owner;
  assign appreq_msix = interrupt_q && !msi_q;
  assign appreq_msi = interrupt_q && msi_q;
  assign appreq_pasid = pasid_q;

  assign message_ready = state_q == ST_SEARCH;
  assign select_req = state_q == ST_READ;
  assign ask_req = state_q == ST_SIZE && goes && asks_q;
  assign ask_no_write = asks_q && !writes[tdi_q] && !select_is_atomic;
  assign forget_req = state_q == ST_SIZE && uses && !(translation_hit && permitted);
  assign select = tdi_q;
  // A refused TLP counts as sent: the transfer has failed anyway.
  assign sent_req = state_q == ST_RESULT && !interrupt_q && wanted_q && !kill[tdi_q];
  assign sent_count = moved_q;

  // The filter has said whether and where the request has left.
  assign alloc_req = state_q == ST_RESULT && !write_q && !appreq_denied;
  assign alloc_tag = tag_q;
  assign alloc_tdi = tdi_q;
  assign alloc_dead = !wanted_q;
  assign alloc_ide = appreq_ide;
  assign alloc_stream = appreq_stream;
  assign alloc_count = asks_q ? TRANSLATION_DW : moved_q;
  assign alloc_asks = asks_q;
  assign alloc_uses = uses_q;
  assign alloc_dw = dw_q;
  assign alloc_low = atomic_q != 2'd0 ? 5'd0 : address_q[6:2];  // as the Completion will say

  assign fault = state_q != ST_SEARCH && state_q != ST_READ && state_q != ST_SIZE &&
      state_q != ST_FETCH && !in_send && state_q != ST_RESULT;

  assign sending = state_q != ST_SEARCH ? ONE << owner : NONE;
  wire denied = state_q == ST_RESULT && !interrupt_q && wanted_q && appreq_denied;
  wire refused = state_q == ST_SIZE && still_wanted && not_allowed;
  assign denied_req = denied || refused ? ONE << tdi_q : NONE;

  wire unused = &{1'b0, fetch_busy, fetch_left, message_address[1:0], unused_write, unused_read};

endmodule

`default_nettype wire
