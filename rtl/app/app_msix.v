// SPDX-License-Identifier: Apache-2.0
//
// app_msix: MSI-X table and Pending Bit Array of all functions.
//
// An event sets the pending bit of its vector; a pending vector that nothing masks is offered as a
// message and its bit cleared when the message is taken. A message that was looked up is forgotten
// when the table, a mask or the permission to send changes, so none leaves with an old address.
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
    input wire [  NUM_TDI-1:0] event_req,
    input wire [2*NUM_TDI-1:0] event_vector,

    // The message to send next
    output wire             message_valid,
    input  wire             message_ready,
    output wire [TDI_W-1:0] message_tdi,
    output wire [     63:0] message_address,
    output wire [     31:0] message_data
);

  localparam VECTORS = `APP_MSIX_VECTORS;
  localparam SLOT_W = TDI_W + 2;
  localparam [SLOT_W:0] LAST_SLOT = NUM_TDI * VECTORS - 1;

  // Hamming distance 2
  localparam [3:0] ST_SEARCH = 4'b0011;
  localparam [3:0] ST_LOOKUP = 4'b0101;
  localparam [3:0] ST_WAIT = 4'b1001;
  localparam [3:0] ST_OFFER = 4'b0110;

  reg [3:0] state_q, state_d;
  reg [NUM_TDI*VECTORS-1:0] masked_q, pending_q;
  reg [SLOT_W-1:0] slot_q, slot_d;
  reg [95:0] message_q;
  reg [NUM_TDI-1:0] forget_q;  // tables that are still to be emptied
  reg [1:0] forget_word_q;
  reg [TDI_W-1:0] forget_tdi;
  integer n, v, f;

  always @* begin
    forget_tdi = {TDI_W{1'b0}};
    for (f = NUM_TDI - 1; f >= 0; f = f - 1) if (forget_q[f]) forget_tdi = f[TDI_W-1:0];
  end

  wire forget_step = busy && !sweep_step;

  assign busy = |forget_q;

  always @(posedge clk) begin
    if (rst) begin
      forget_q      <= {NUM_TDI{1'b0}};
      forget_word_q <= 2'd0;
    end else begin
      if (forget_step) begin
        forget_word_q <= forget_word_q + 2'd1;
        if (&forget_word_q) forget_q[forget_tdi] <= 1'b0;
      end
      if (|forget_req) begin
        forget_q      <= forget_q | forget_req;
        forget_word_q <= 2'd0;
      end
    end
  end

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
      .clk       (clk),
      .write_be  (table_be),
      .write_addr(sweep_step ? {sweep_tdi, sweep_word} :
                  busy ? {forget_tdi, forget_word_q} : access_slot),
      .write_data(sweep_step || busy ? 96'd0 : {write_data, write_data, write_data[31:2], 2'b00}),
      .read_req  (table_read || lookup),
      .read_addr (table_read ? access_slot : slot_q),
      .read_data (entry)
  );

  wire [TDI_W-1:0] slot_tdi = slot_q[SLOT_W-1:2];
  wire sendable = pending_q[slot_q] && !masked_q[slot_q] && may_send[slot_tdi] &&
      msix_enable[slot_tdi] && !msix_function_mask[slot_tdi];
  wire entry_changes = (table_write && access_tdi == slot_tdi) ||
      (sweep_step && sweep_tdi == slot_tdi);
  wire sent = state_q == ST_OFFER && message_valid && message_ready;

  always @* begin
    state_d = state_q;
    slot_d  = slot_q;
    case (state_q)
      ST_SEARCH: begin
        if (sendable && !entry_changes) state_d = ST_LOOKUP;
        else slot_d = {1'b0, slot_q} == LAST_SLOT ? {SLOT_W{1'b0}} : slot_q + 1'b1;
      end
      ST_LOOKUP: begin
        if (!sendable || entry_changes) state_d = ST_SEARCH;
        else if (lookup) state_d = ST_WAIT;
      end
      ST_WAIT:  state_d = entry_changes ? ST_SEARCH : ST_OFFER;
      ST_OFFER: if (message_ready || !sendable || entry_changes) state_d = ST_SEARCH;
      default:  state_d = ST_SEARCH;
    endcase
  end

  always @(posedge clk) begin
    if (rst) begin
      state_q   <= ST_SEARCH;
      slot_q    <= {SLOT_W{1'b0}};
      masked_q  <= {NUM_TDI * VECTORS{1'b1}};
      pending_q <= {NUM_TDI * VECTORS{1'b0}};
    end else begin
      state_q <= state_d;
      slot_q  <= slot_d;
      if (table_write && access_dw[1:0] == 2'd3 && write_be[0]) begin
        masked_q[access_slot] <= write_data[0];
      end
      if (sent) pending_q[slot_q] <= 1'b0;
      for (n = 0; n < NUM_TDI; n = n + 1) begin
        for (v = 0; v < VECTORS; v = v + 1) begin
          if (event_req[n] && msix_enable[n] && event_vector[2*n+:2] == v[1:0]) begin
            pending_q[VECTORS*n+v] <= 1'b1;
          end
          if ((sweep_step && sweep_tdi == n[TDI_W-1:0]) || forget_req[n]) begin
            masked_q[VECTORS*n+v]  <= 1'b1;
            pending_q[VECTORS*n+v] <= 1'b0;
          end
        end
      end
    end
  end

  always @(posedge clk) if (state_q == ST_WAIT) message_q <= entry;

  genvar g;
  generate
    for (g = 0; g < NUM_TDI; g = g + 1) begin : g_owing
      assign owing[g] = may_send[g] && msix_enable[g] && !msix_function_mask[g] &&
          |(pending_q[VECTORS*g+:VECTORS] & ~masked_q[VECTORS*g+:VECTORS]);
    end
  endgenerate

  assign fault = state_q != ST_SEARCH && state_q != ST_LOOKUP && state_q != ST_WAIT &&
      state_q != ST_OFFER;

  // The offer is withdrawn in the cycle in which it stops being right.
  assign message_valid = state_q == ST_OFFER && sendable && !entry_changes;
  assign message_tdi = slot_tdi;
  assign message_address = message_q[63:0];
  assign message_data = message_q[95:64];

  reg [31:0] flags_q;
  reg [ 1:0] read_dw_q;
  reg        read_entry_q;

  always @(posedge clk) begin
    if (read_req) begin
      read_dw_q    <= access_dw[1:0];
      read_entry_q <= in_table && access_dw[1:0] != 2'd3;
      flags_q      <= 32'd0;
      if (in_table) flags_q[0] <= masked_q[access_slot];
      if (pba_page && access_dw == 10'd0) begin
        flags_q[VECTORS-1:0] <= pending_q[VECTORS*access_tdi+:VECTORS];
      end
    end
  end

  assign read_data = read_entry_q ? entry[32*read_dw_q+:32] : flags_q;

endmodule

`default_nettype wire
