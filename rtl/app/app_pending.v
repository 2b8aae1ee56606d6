// SPDX-License-Identifier: Apache-2.0
//
// app_pending: pending interrupts of all functions, and whose turn it is.
//
// An event sets the pending bit of its vector. What is due is chosen in two steps, a function and then
// a vector of it; functions take turns, and so do the vectors of each. The bit is cleared when the
// message of the chosen vector has left.

`default_nettype none

module app_pending #(
    parameter NUM_TDI = 4,
    parameter TDI_W   = 2
) (
    input wire clk,
    input wire rst,

    // Of all functions side by side; for a vector each, vector v of all functions is slice v
    input  wire [  NUM_TDI-1:0] event_req,       // pulse
    input  wire [  NUM_TDI-1:0] event_vector_1,  // bit 1 of its vector
    input  wire [  NUM_TDI-1:0] event_vector_0,
    input  wire [  NUM_TDI-1:0] gone_req,        // pulse: forget the events
    input  wire [4*NUM_TDI-1:0] unmasked,        // the vector is enabled and not masked
    input  wire [  NUM_TDI-1:0] may_send,
    output wire [4*NUM_TDI-1:0] pending,
    output wire [  NUM_TDI-1:0] owing,           // a vector is due

    // The choice
    input  wire             choose_tdi,
    input  wire             choose_vector,  // of function tdi
    input  wire             sent,           // the message of the chosen vector has left
    output wire             any_owing,
    output wire             any_vector,     // function tdi still owes one
    output reg  [TDI_W-1:0] tdi,            // chosen last
    output reg  [      1:0] vector,         // chosen last
    output wire             sendable        // the chosen vector is still due
);

  localparam VECTORS = 4;
  localparam [NUM_TDI-1:0] ONE = 1;
  localparam [NUM_TDI-1:0] NONE = {NUM_TDI{1'b0}};

  wire [VECTORS*NUM_TDI-1:0] due;  // vector v of all functions is slice v
  wire [VECTORS-1:0] due_vectors;  // of function tdi

  genvar v;
  generate
    for (v = 0; v < VECTORS; v = v + 1) begin : g_vector
      localparam [1:0] VECTOR = v;
      reg [NUM_TDI-1:0] pending_q;
      wire [NUM_TDI-1:0] raised = event_req & (VECTOR[1] ? event_vector_1 : ~event_vector_1) &
          (VECTOR[0] ? event_vector_0 : ~event_vector_0);
      wire [NUM_TDI-1:0] left = sent && vector == VECTOR ? ONE << tdi : NONE;

      always @(posedge clk) begin
        if (rst) pending_q <= NONE;
        else pending_q <= ((pending_q & ~left) | raised) & ~gone_req;
      end

      wire [NUM_TDI-1:0] vector_unmasked = unmasked[NUM_TDI*v+:NUM_TDI];
      wire [NUM_TDI-1:0] sends = pending_q & vector_unmasked & may_send;
      assign due[NUM_TDI*v+:NUM_TDI]     = sends;
      assign due_vectors[v]              = sends[tdi];
      assign pending[NUM_TDI*v+:NUM_TDI] = pending_q;
    end
  endgenerate

  assign owing = due[0+:NUM_TDI] | due[NUM_TDI+:NUM_TDI] | due[2*NUM_TDI+:NUM_TDI] |
      due[3*NUM_TDI+:NUM_TDI];

  wire [TDI_W-1:0] next_tdi;
  wire [1:0] next_vector;
  wire [NUM_TDI-1:0] unused_tdi;
  wire [VECTORS-1:0] unused_vector;

  rotate_first #(
      .N(NUM_TDI),
      .W(TDI_W)
  ) u_tdi (
      .request(owing),
      .last   (tdi),
      .any    (any_owing),
      .idx    (next_tdi),
      .grant  (unused_tdi)
  );

  rotate_first #(
      .N(VECTORS),
      .W(2)
  ) u_vector (
      .request(due_vectors),
      .last   (vector),
      .any    (any_vector),
      .idx    (next_vector),
      .grant  (unused_vector)
  );

  always @(posedge clk) begin
    if (rst) begin
      tdi    <= {TDI_W{1'b0}};
      vector <= 2'd0;
    end else begin
      if (choose_tdi && any_owing) tdi <= next_tdi;
      if (choose_vector && any_vector) vector <= next_vector;
    end
  end

  assign sendable = due_vectors[vector];

  wire unused = &{1'b0, unused_tdi, unused_vector};

endmodule

`default_nettype wire
