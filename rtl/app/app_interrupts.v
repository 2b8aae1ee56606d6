// SPDX-License-Identifier: Apache-2.0
//
// app_interrupts: interrupts of all functions, by MSI-X or by MSI.
//
// Messages of the two kinds take turns, and each says which it is: one of MSI is never trusted
// (TDISP-INT-001, TDISP-INT-002).

`default_nettype none

module app_interrupts #(
    parameter NUM_TDI = 4,
    parameter TDI_W   = 2
) (
    input wire clk,
    input wire rst,

    output wire fault,  // a state machine was in no state of its own

    input  wire [  NUM_TDI-1:0] msix_enable,
    input  wire [  NUM_TDI-1:0] msix_function_mask,
    input  wire [7*NUM_TDI-1:0] msi_control,         // see app_msi
    output wire [4*NUM_TDI-1:0] msi_pending,
    output wire [    TDI_W-1:0] msi_tdi,
    input  wire [         79:0] msi_message,         // one cycle after msi_tdi
    input  wire [  NUM_TDI-1:0] may_send,            // state, Bus Master Enable, not being cleared
    input  wire [  NUM_TDI-1:0] forget_req,          // pulse: mask all vectors, empty the table

    output wire [NUM_TDI-1:0] owing,  // a message of the function is due
    output wire               busy,   // the table is being emptied: no writes

    // MSI-X table and PBA, a DW a cycle; writes are not given in a cycle with sweep_step or busy
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
    output wire             message_msi,      // by MSI, else by MSI-X
    output wire [TDI_W-1:0] message_tdi,
    output wire [     63:0] message_address,
    output wire [     31:0] message_data
);

  wire msix_fault, msi_fault, msix_valid, msi_valid;
  wire [NUM_TDI-1:0] msix_owing, msi_owing;
  wire [TDI_W-1:0] msix_tdi, msi_sender;
  wire [63:0] msix_address, msi_address;
  wire [31:0] msix_data, msi_data;
  reg msi_first_q;  // the last message was one of MSI-X

  assign fault           = msix_fault || msi_fault;
  assign owing           = msix_owing | msi_owing;

  assign message_msi     = msi_valid && (msi_first_q || !msix_valid);
  assign message_valid   = msi_valid || msix_valid;
  assign message_tdi     = message_msi ? msi_sender : msix_tdi;
  assign message_address = message_msi ? msi_address : msix_address;
  assign message_data    = message_msi ? msi_data : msix_data;

  always @(posedge clk) begin
    if (rst) msi_first_q <= 1'b0;
    else if (message_valid && message_ready) msi_first_q <= !message_msi;
  end

  app_msix #(
      .NUM_TDI(NUM_TDI),
      .TDI_W  (TDI_W)
  ) u_msix (
      .clk               (clk),
      .rst               (rst),
      .fault             (msix_fault),
      .msix_enable       (msix_enable),
      .msix_function_mask(msix_function_mask),
      .may_send          (may_send),
      .forget_req        (forget_req),
      .owing             (msix_owing),
      .busy              (busy),
      .write_req         (write_req),
      .read_req          (read_req),
      .pba_page          (pba_page),
      .access_tdi        (access_tdi),
      .access_dw         (access_dw),
      .write_data        (write_data),
      .write_be          (write_be),
      .read_data         (read_data),
      .sweep_step        (sweep_step),
      .sweep_tdi         (sweep_tdi),
      .sweep_word        (sweep_word),
      .event_req         (event_req),
      .event_vector_1    (event_vector_1),
      .event_vector_0    (event_vector_0),
      .message_valid     (msix_valid),
      .message_ready     (message_ready && !message_msi),
      .message_tdi       (msix_tdi),
      .message_address   (msix_address),
      .message_data      (msix_data)
  );

  app_msi #(
      .NUM_TDI(NUM_TDI),
      .TDI_W  (TDI_W)
  ) u_msi (
      .clk            (clk),
      .rst            (rst),
      .fault          (msi_fault),
      .msi_control    (msi_control),
      .msi_pending    (msi_pending),
      .msix_enable    (msix_enable),
      .may_send       (may_send),
      .owing          (msi_owing),
      .sweep_step     (sweep_step),
      .sweep_tdi      (sweep_tdi),
      .event_req      (event_req),
      .event_vector_1 (event_vector_1),
      .event_vector_0 (event_vector_0),
      .msi_tdi        (msi_tdi),
      .msi_message    (msi_message),
      .message_valid  (msi_valid),
      .message_ready  (message_ready && message_msi),
      .message_tdi    (msi_sender),
      .message_address(msi_address),
      .message_data   (msi_data)
  );

endmodule

`default_nettype wire
