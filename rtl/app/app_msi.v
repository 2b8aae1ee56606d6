// SPDX-License-Identifier: Apache-2.0
//
// app_msi: interrupts by the MSI capability, of all functions.
//
// An event sets the pending bit of its vector, or of the one that stands for it where fewer were
// granted. A pending vector that nothing masks is offered as a message, in turn, and its bit cleared
// when the message is taken. MSI-X Enable wins where both are enabled. Address and data are those of
// configuration space in the cycle of the offer.

`default_nettype none

module app_msi #(
    parameter NUM_TDI = 4,
    parameter TDI_W   = 2
) (
    input wire clk,
    input wire rst,

    output wire fault,  // the state machine was in no state of its own

    // Of all functions side by side: MSI Enable, more than one vector granted, all four, masks of
    // vectors 0 to 3
    input  wire [7*NUM_TDI-1:0] msi_control,
    output wire [4*NUM_TDI-1:0] msi_pending,  // vector v of all functions in slice v
    input  wire [  NUM_TDI-1:0] msix_enable,
    input  wire [  NUM_TDI-1:0] may_send,     // state, Bus Master Enable, not being cleared

    output wire [NUM_TDI-1:0] owing,  // a message of the function is due

    // Clearing
    input wire             sweep_step,
    input wire [TDI_W-1:0] sweep_tdi,

    // Interrupt events, one pulse a function
    input wire [NUM_TDI-1:0] event_req,
    input wire [NUM_TDI-1:0] event_vector_1,  // bit 1 of its vector
    input wire [NUM_TDI-1:0] event_vector_0,

    // Data and address of a function
    output wire [TDI_W-1:0] msi_tdi,
    input  wire [     79:0] msi_message, // one cycle after msi_tdi

    // The message to send next
    output wire             message_valid,
    input  wire             message_ready,
    output wire [TDI_W-1:0] message_tdi,
    output wire [     63:0] message_address,
    output wire [     31:0] message_data
);

  localparam VECTORS = 4;
  localparam [NUM_TDI-1:0] ONE = 1;
  localparam [NUM_TDI-1:0] NONE = {NUM_TDI{1'b0}};

  // Hamming distance 2
  localparam [3:0] ST_SEARCH = 4'b0011;
  localparam [3:0] ST_VECTOR = 4'b0101;
  localparam [3:0] ST_OFFER = 4'b1001;

  reg [3:0] state_q, state_d;
  reg [TDI_W-1:0] tdi_q;  // whose message is offered, or was last
  reg [1:0] vector_q;

  // ------------------------------------------------------------------ vectors
  wire [NUM_TDI-1:0] chosen = msi_control[0+:NUM_TDI] & ~msix_enable;
  wire [NUM_TDI-1:0] has_1 = msi_control[NUM_TDI+:NUM_TDI];
  wire [NUM_TDI-1:0] has_3 = msi_control[2*NUM_TDI+:NUM_TDI];
  wire [NUM_TDI-1:0] events = event_req & chosen;
  wire [NUM_TDI-1:0] vector_1 = event_vector_1 & has_3;
  wire [NUM_TDI-1:0] vector_0 = event_vector_0 & has_1;
  wire [NUM_TDI-1:0] gone = sweep_step ? ONE << sweep_tdi : NONE;
  wire sent = message_valid && message_ready;

  wire [VECTORS*NUM_TDI-1:0] due;  // a vector's bits of all functions side by side
  wire [VECTORS-1:0] due_vectors;  // of function tdi_q

  genvar v;
  generate
    for (v = 0; v < VECTORS; v = v + 1) begin : g_vector
      localparam [1:0] VECTOR = v;
      reg [NUM_TDI-1:0] pending_q;
      wire [NUM_TDI-1:0] raised = events & (VECTOR[1] ? vector_1 : ~vector_1) &
          (VECTOR[0] ? vector_0 : ~vector_0);
      wire [NUM_TDI-1:0] left = sent && vector_q == VECTOR ? ONE << tdi_q : NONE;
      // A vector that is not granted any more waits.
      wire [NUM_TDI-1:0] granted = (VECTOR[1] ? has_3 : ~NONE) & (VECTOR[0] ? has_1 : ~NONE);
      wire [NUM_TDI-1:0] masked = msi_control[(3+v)*NUM_TDI+:NUM_TDI];

      always @(posedge clk) begin
        if (rst) pending_q <= NONE;
        else pending_q <= ((pending_q & ~left) | raised) & ~gone;
      end

      wire [NUM_TDI-1:0] sends = pending_q & ~masked & granted & chosen & may_send;
      assign due[NUM_TDI*v+:NUM_TDI]         = sends;
      assign due_vectors[v]                  = sends[tdi_q];
      assign msi_pending[NUM_TDI*v+:NUM_TDI] = pending_q;
    end
  endgenerate

  assign owing = due[0+:NUM_TDI] | due[NUM_TDI+:NUM_TDI] | due[2*NUM_TDI+:NUM_TDI] |
      due[3*NUM_TDI+:NUM_TDI];

  // ------------------------------------------------------------------ turns
  // Functions take turns, and so do the vectors of each.
  wire any_owing, any_vector;
  wire [TDI_W-1:0] next_tdi;
  wire [1:0] next_vector;
  wire [NUM_TDI-1:0] unused_tdi;
  wire [VECTORS-1:0] unused_vector;

  rotate_first #(
      .N(NUM_TDI),
      .W(TDI_W)
  ) u_tdi (
      .request(owing),
      .last   (tdi_q),
      .any    (any_owing),
      .idx    (next_tdi),
      .grant  (unused_tdi)
  );

  rotate_first #(
      .N(VECTORS),
      .W(2)
  ) u_vector (
      .request(due_vectors),
      .last   (vector_q),
      .any    (any_vector),
      .idx    (next_vector),
      .grant  (unused_vector)
  );

  wire sendable = due_vectors[vector_q];

  // Address and data come while the vector is chosen.
  always @* begin
    state_d = state_q;
    case (state_q)
      ST_SEARCH: if (any_owing) state_d = ST_VECTOR;
      ST_VECTOR: state_d = any_vector ? ST_OFFER : ST_SEARCH;
      ST_OFFER:  if (message_ready || !sendable) state_d = ST_SEARCH;
      default:   state_d = ST_SEARCH;
    endcase
  end

  always @(posedge clk) begin
    if (rst) begin
      state_q  <= ST_SEARCH;
      tdi_q    <= {TDI_W{1'b0}};
      vector_q <= 2'd0;
    end else begin
      state_q <= state_d;
      if (state_q == ST_SEARCH && any_owing) tdi_q <= next_tdi;
      if (state_q == ST_VECTOR && any_vector) vector_q <= next_vector;
    end
  end

  assign fault = state_q != ST_SEARCH && state_q != ST_VECTOR && state_q != ST_OFFER;

  // ------------------------------------------------------------------ message
  // The offer is withdrawn in the cycle in which it stops being right. The vector is in those low bits
  // of the data that it takes to tell the granted ones apart.
  wire [1:0] low_data = {
    has_3[tdi_q] ? vector_q[1] : msi_message[65], has_1[tdi_q] ? vector_q[0] : msi_message[64]
  };

  assign msi_tdi         = tdi_q;
  assign message_valid   = state_q == ST_OFFER && sendable;
  assign message_tdi     = tdi_q;
  assign message_address = msi_message[63:0];
  assign message_data    = {16'd0, msi_message[79:66], low_data};

  wire unused = &{1'b0, unused_tdi, unused_vector};

endmodule

`default_nettype wire
