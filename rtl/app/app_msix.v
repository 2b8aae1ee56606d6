// SPDX-License-Identifier: Apache-2.0
//
// app_msix: MSI-X table and Pending Bit Array of all functions.
//
// A pending vector that nothing masks is offered as a message, in turn. A message that was looked up
// is forgotten when the table, a mask or the permission to send changes, so none leaves with an old
// address.
// A table that a LOCK takes over is emptied: what was written before does not count (TDISP-INT-004).

`default_nettype none
`include "app_defs.vh"

module app_msix #(
    parameter NUM_TDI = 4,
    parameter TDI_W   = 2
) (
    input wire clk,
    input wire rst,

    output wire fault,  // the state machine was in no state of its own

    input wire [NUM_TDI-1:0] msix_enable,
    input wire [NUM_TDI-1:0] msix_function_mask,
    input wire [NUM_TDI-1:0] may_send,            // state, Bus Master Enable, not being cleared
    input wire [NUM_TDI-1:0] forget_req,          // pulse: mask all vectors and empty the table

    output wire [NUM_TDI-1:0] owing,  // a message of the function is due
    output wire               busy,   // the table is being emptied: no writes

    // One DW a cycle; writes are not given in a cycle with sweep_step or busy
    input  wire             write_req,
    input  wire             read_req,
    input  wire             pba_page,
    input  wire [TDI_W-1:0] access_tdi,
    input  wire [      9:0] access_dw,
    input  wire [     31:0] write_data,
    input  wire [      3:0] write_be,
    output wire [     31:0] read_data,   // one cycle after read_req

    // Clearing
    input wire             sweep_step,
    input wire [TDI_W-1:0] sweep_tdi,
    input wire [      1:0] sweep_word,

    // Interrupt events, one pulse a function
    input wire [NUM_TDI-1:0] event_req,
    input wire [NUM_TDI-1:0] event_vector_1,  // bit 1 of its vector
    input wire [NUM_TDI-1:0] event_vector_0,

    // The message to send next
    output wire             message_valid,
    input  wire             message_ready,
    output wire [TDI_W-1:0] message_tdi,
    output wire [     63:0] message_address,
    output wire [     31:0] message_data
);

  localparam VECTORS = `APP_MSIX_VECTORS;
  localparam SLOT_W = TDI_W + 2;
  localparam [31:0] LAST_TDI = NUM_TDI - 1;
  localparam [NUM_TDI-1:0] ONE = 1;
  localparam [NUM_TDI-1:0] NONE = {NUM_TDI{1'b0}};

  // Hamming distance 2
  localparam [4:0] ST_SEARCH = 5'b00011;
  localparam [4:0] ST_VECTOR = 5'b00101;
  localparam [4:0] ST_LOOKUP = 5'b01001;
  localparam [4:0] ST_WAIT = 5'b10001;
  localparam [4:0] ST_OFFER = 5'b00110;

  reg [4:0] state_q, state_d;
  wire [TDI_W-1:0] tdi;  // whose message is looked up, or was last
  wire [1:0] vector;
  wire any_owing, any_vector, sendable;
  reg [95:0] message_q;

  // ------------------------------------------------------------------ tables to be emptied
  reg [NUM_TDI-1:0] forget_q;
  reg [1:0] forget_word_q;
  wire [TDI_W-1:0] forget_tdi;
  wire [NUM_TDI-1:0] forget_grant;

  rotate_first #(
      .N(NUM_TDI),
      .W(TDI_W)
  ) u_forget (
      .request(forget_q),
      .last   (LAST_TDI[TDI_W-1:0]),
      .any    (busy),
      .idx    (forget_tdi),
      .grant  (forget_grant)
  );

  wire forget_step = busy && !sweep_step;

  always @(posedge clk) begin
    if (rst) begin
      forget_q      <= NONE;
      forget_word_q <= 2'd0;
    end else begin
      if (forget_step) begin
        forget_word_q <= forget_word_q + 2'd1;
        if (&forget_word_q) forget_q <= forget_q & ~forget_grant;
      end
      if (forget_req != NONE) begin
        forget_q      <= forget_q | forget_req;
        forget_word_q <= 2'd0;
      end
    end
  end

  // ------------------------------------------------------------------ table
  wire [95:0] entry;
  wire in_table = !pba_page && access_dw < 10'd4 * VECTORS;
  wire [SLOT_W-1:0] access_slot = {access_tdi, access_dw[3:2]};
  wire table_write = write_req && in_table;
  reg [11:0] table_be;

  always @* begin
    table_be = 12'h000;
    case (access_dw[1:0])
      2'd0: table_be[3:0] = write_be;
      2'd1: table_be[7:4] = write_be;
      2'd2: table_be[11:8] = write_be;
      default: table_be = 12'h000;
    endcase
    if (!table_write) table_be = 12'h000;
    if (sweep_step || busy) table_be = 12'hfff;
  end

  // Reads of software come first; a look-up waits.
  wire table_read = read_req && in_table;
  wire lookup = state_q == ST_LOOKUP && !table_read;

  app_ram #(
      .WIDTH (96),
      .WORDS (NUM_TDI * VECTORS),
      .ADDR_W(SLOT_W)
  ) u_table (
      .clk(clk),
      .write_be(table_be),
      .write_addr(sweep_step ? {sweep_tdi, sweep_word} :
                  busy ? {forget_tdi, forget_word_q} : access_slot),
      .write_data(sweep_step || busy ? 96'd0 : {write_data, write_data, write_data[31:2], 2'b00}),
      .read_req(table_read || lookup),
      .read_addr(table_read ? access_slot : {tdi, vector}),
      .read_data(entry)
  );

  // ------------------------------------------------------------------ vectors
  wire [NUM_TDI-1:0] enabled = msix_enable & ~msix_function_mask;
  wire [NUM_TDI-1:0] gone = forget_req | (sweep_step ? ONE << sweep_tdi : NONE);
  wire [NUM_TDI-1:0] accessed = ONE << access_tdi;
  wire mask_write = table_write && access_dw[1:0] == 2'd3 && write_be[0];

  // Vector v of all functions is slice v.
  wire [VECTORS*NUM_TDI-1:0] unmasked, pending;
  wire [VECTORS-1:0] masked_vectors, pending_vectors;  // of function access_tdi

  genvar v;
  generate
    for (v = 0; v < VECTORS; v = v + 1) begin : g_vector
      localparam [1:0] VECTOR = v;
      reg  [NUM_TDI-1:0] masked_q;
      wire [NUM_TDI-1:0] written = mask_write && access_dw[3:2] == VECTOR ? accessed : NONE;
      wire [NUM_TDI-1:0] vector_pending = pending[NUM_TDI*v+:NUM_TDI];

      always @(posedge clk) begin
        if (rst) masked_q <= {NUM_TDI{1'b1}};
        else masked_q <= (masked_q & ~written) | (write_data[0] ? written : NONE) | gone;
      end

      assign unmasked[NUM_TDI*v+:NUM_TDI] = ~masked_q & enabled;
      assign masked_vectors[v]            = masked_q[access_tdi];
      assign pending_vectors[v]           = vector_pending[access_tdi];
    end
  endgenerate

  app_pending #(
      .NUM_TDI(NUM_TDI),
      .TDI_W  (TDI_W)
  ) u_pending (
      .clk           (clk),
      .rst           (rst),
      .event_req     (event_req & msix_enable),
      .event_vector_1(event_vector_1),
      .event_vector_0(event_vector_0),
      .gone_req      (gone),
      .unmasked      (unmasked),
      .may_send      (may_send),
      .pending       (pending),
      .owing         (owing),
      .choose_tdi    (state_q == ST_SEARCH),
      .choose_vector (state_q == ST_VECTOR),
      .sent          (message_valid && message_ready),
      .any_owing     (any_owing),
      .any_vector    (any_vector),
      .tdi           (tdi),
      .vector        (vector),
      .sendable      (sendable)
  );

  // ------------------------------------------------------------------ message
  wire entry_changes = (table_write && access_tdi == tdi) || (sweep_step && sweep_tdi == tdi);

  always @* begin
    state_d = state_q;
    case (state_q)
      ST_SEARCH: if (any_owing) state_d = ST_VECTOR;
      ST_VECTOR: state_d = any_vector && !entry_changes ? ST_LOOKUP : ST_SEARCH;
      ST_LOOKUP: begin
        if (!sendable || entry_changes) state_d = ST_SEARCH;
        else if (lookup) state_d = ST_WAIT;
      end
      ST_WAIT:   state_d = entry_changes ? ST_SEARCH : ST_OFFER;
      ST_OFFER:  if (message_ready || !sendable || entry_changes) state_d = ST_SEARCH;
      default:   state_d = ST_SEARCH;
    endcase
  end

  always @(posedge clk) begin
    if (rst) state_q <= ST_SEARCH;
    else state_q <= state_d;
    if (state_q == ST_WAIT) message_q <= entry;
  end

  assign fault = state_q != ST_SEARCH && state_q != ST_VECTOR && state_q != ST_LOOKUP &&
      state_q != ST_WAIT && state_q != ST_OFFER;

  // The offer is withdrawn in the cycle in which it stops being right.
  assign message_valid = state_q == ST_OFFER && sendable && !entry_changes;
  assign message_tdi = tdi;
  assign message_address = message_q[63:0];
  assign message_data = message_q[95:64];

  // ------------------------------------------------------------------ reads
  reg [31:0] flags_q;
  reg [ 1:0] read_dw_q;
  reg        read_entry_q;

  always @(posedge clk) begin
    if (read_req) begin
      read_dw_q    <= access_dw[1:0];
      read_entry_q <= in_table && access_dw[1:0] != 2'd3;
      flags_q      <= 32'd0;
      if (in_table) flags_q[0] <= masked_vectors[access_dw[3:2]];
      if (pba_page && access_dw == 10'd0) flags_q[VECTORS-1:0] <= pending_vectors;
    end
  end

  assign read_data = read_entry_q ? entry[32*read_dw_q+:32] : flags_q;

endmodule

`default_nettype wire
