// SPDX-License-Identifier: Apache-2.0
//
// app_transfers: the transfer of each function and which of them may send next.
//
// A transfer ends when nothing of it is left to send and no wanted read is out, or at once when its
// function is stopped, aborted or changes state. It fails when it was programmed wrongly, when a
// request was not admitted or a read failed, and when the function may not send.

`default_nettype none
`include "tdisp_defs.vh"
`include "app_defs.vh"

module app_transfers #(
    parameter NUM_TDI = 4,
    parameter TDI_W   = 2
) (
    input wire clk,
    input wire rst,

    input wire [NUM_TDI-1:0] may_send,  // state and Bus Master Enable
    input wire [NUM_TDI-1:0] kill,      // end at once

    // From the registers
    input  wire [   NUM_TDI-1:0] start_req,
    input  wire                  start_to_host,
    input  wire                  start_interrupt,
    input  wire [32*NUM_TDI-1:0] length,
    input  wire [64*NUM_TDI-1:0] host_address,
    input  wire [32*NUM_TDI-1:0] device_address,
    input  wire [ 2*NUM_TDI-1:0] vector,
    output wire [   NUM_TDI-1:0] busy,
    output wire [   NUM_TDI-1:0] done_req,
    output wire [   NUM_TDI-1:0] error_req,
    output wire [   NUM_TDI-1:0] event_req,        // raise event_vector
    output wire [ 2*NUM_TDI-1:0] event_vector,

    // Reads
    input wire [NUM_TDI-1:0] slot_free,
    input wire [NUM_TDI-1:0] waiting,
    input wire [NUM_TDI-1:0] fail_req,

    // Sender: a function that has something to send, and what the TLP took from it
    output wire [NUM_TDI-1:0] want_send,
    input  wire [NUM_TDI-1:0] sending,         // a TLP of the function is in work
    input  wire [  TDI_W-1:0] select,
    output wire               select_to_host,
    output wire [       63:2] select_host,
    output wire [        9:0] select_dw,
    output wire [       10:0] select_left,
    input  wire               sent_req,        // sent_count DWs of `select` have left
    input  wire [       10:0] sent_count
);

  reg [NUM_TDI-1:0] busy_q, fail_q, to_host_q, interrupt_q;
  reg [63:2] host_q[0:NUM_TDI-1];
  reg [9:0] dw_q[0:NUM_TDI-1];
  reg [10:0] left_q[0:NUM_TDI-1];
  reg [1:0] vector_q[0:NUM_TDI-1];

  localparam [31:0] MEMORY_BYTES = `APP_MEMORY_BYTES;

  genvar g;
  generate
    for (g = 0; g < NUM_TDI; g = g + 1) begin : g_tdi
      wire [31:0] bytes = length[32*g+:32];
      wire [31:0] first = device_address[32*g+:32];
      wire legal = bytes[1:0] == 2'd0 && bytes != 32'd0 && bytes <= MEMORY_BYTES &&
          first < MEMORY_BYTES && first + bytes <= MEMORY_BYTES;
      wire start = start_req[g] && !busy_q[g] && !kill[g];
      wire nothing_left = left_q[g] == 11'd0;
      wire finish = busy_q[g] && !kill[g] && nothing_left && !waiting[g] && !sending[g];
      wire abort = busy_q[g] && kill[g];
      wire sent = sent_req && select == g;
      wire fail = fail_req[g] || !may_send[g];

      always @(posedge clk) begin
        if (rst) busy_q[g] <= 1'b0;
        else if (start) busy_q[g] <= 1'b1;
        else if (finish || abort) busy_q[g] <= 1'b0;

        if (start) begin
          fail_q[g]      <= !legal;
          to_host_q[g]   <= start_to_host;
          interrupt_q[g] <= start_interrupt;
          vector_q[g]    <= vector[2*g+:2];
          host_q[g]      <= host_address[64*g+2+:62];
          dw_q[g]        <= first[11:2];
          left_q[g]      <= legal ? bytes[12:2] : 11'd0;
        end else begin
          if (busy_q[g] && fail && !(nothing_left && !waiting[g])) fail_q[g] <= 1'b1;
          if (fail || fail_q[g]) left_q[g] <= 11'd0;
          else if (sent) left_q[g] <= left_q[g] - sent_count;
          if (sent) begin
            host_q[g] <= host_q[g] + {51'd0, sent_count};
            dw_q[g]   <= dw_q[g] + sent_count[9:0];
          end
        end
      end

      assign busy[g] = busy_q[g];
      assign done_req[g] = finish || abort;
      assign error_req[g] = abort || (finish && fail_q[g]);
      assign event_req[g] = finish && interrupt_q[g];
      assign event_vector[2*g+:2] = vector_q[g];
      assign want_send[g] = busy_q[g] && !fail_q[g] && !nothing_left && may_send[g] && !kill[g] &&
          (to_host_q[g] || slot_free[g]);

      wire unused = &{1'b0, host_address[64*g+:2]};
    end
  endgenerate

  assign select_to_host = to_host_q[select];
  assign select_host    = host_q[select];
  assign select_dw      = dw_q[select];
  assign select_left    = left_q[select];

endmodule

`default_nettype wire
