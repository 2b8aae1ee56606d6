// SPDX-License-Identifier: Apache-2.0
//
// app_msi: interrupts by the MSI capability, of all functions.
//
// An event becomes pending for its vector, or for the one that stands for it where fewer were granted.
// A pending vector that nothing masks is offered as a message, in turn. MSI-X Enable wins where both
// are enabled. Address and data are those of configuration space in the cycle of the offer.

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

  localparam [NUM_TDI-1:0] ONE = 1;
  localparam [NUM_TDI-1:0] NONE = {NUM_TDI{1'b0}};

  // Hamming distance 2
  localparam [3:0] ST_SEARCH = 4'b0011;
  localparam [3:0] ST_VECTOR = 4'b0101;
  localparam [3:0] ST_OFFER = 4'b1001;

  reg [3:0] state_q, state_d;
  wire [TDI_W-1:0] tdi;  // whose message is offered, or was last
  wire [1:0] vector;
  wire any_owing, any_vector, sendable;

  // ------------------------------------------------------------------ vectors
  wire [  NUM_TDI-1:0] chosen = msi_control[0+:NUM_TDI] & ~msix_enable;
  wire [  NUM_TDI-1:0] has_1 = msi_control[NUM_TDI+:NUM_TDI];
  wire [  NUM_TDI-1:0] has_3 = msi_control[2*NUM_TDI+:NUM_TDI];
  wire [4*NUM_TDI-1:0] masked = msi_control[3*NUM_TDI+:4*NUM_TDI];
  // A vector that is not granted any more waits.
  wire [4*NUM_TDI-1:0] granted = {has_3 & has_1, has_3, has_1, {NUM_TDI{1'b1}}};

  app_pending #(
      .NUM_TDI(NUM_TDI),
      .TDI_W  (TDI_W)
  ) u_pending (
      .clk           (clk),
      .rst           (rst),
      .event_req     (event_req & chosen),
      .event_vector_1(event_vector_1 & has_3),
      .event_vector_0(event_vector_0 & has_1),
      .gone_req      (sweep_step ? ONE << sweep_tdi : NONE),
      .unmasked      (~masked & granted & {4{chosen}}),
      .may_send      (may_send),
      .pending       (msi_pending),
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
    if (rst) state_q <= ST_SEARCH;
    else state_q <= state_d;
  end

  assign fault = state_q != ST_SEARCH && state_q != ST_VECTOR && state_q != ST_OFFER;

  // ------------------------------------------------------------------ message
  // The offer is withdrawn in the cycle in which it stops being right. The vector is in those low bits
  // of the data that it takes to tell the granted ones apart.
  wire [1:0] low_data = {
    has_3[tdi] ? vector[1] : msi_message[65], has_1[tdi] ? vector[0] : msi_message[64]
  };

  assign msi_tdi         = tdi;
  assign message_valid   = state_q == ST_OFFER && sendable;
  assign message_tdi     = tdi;
  assign message_address = msi_message[63:0];
  assign message_data    = {16'd0, msi_message[79:66], low_data};

endmodule

`default_nettype wire
