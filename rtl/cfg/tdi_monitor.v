// SPDX-License-Identifier: Apache-2.0
//
// tdi_monitor: turns what happens in the device into requests to move TDIs to ERROR.
//
// It does not know the state of a TDI: a request for a TDI that is not locked has no effect at the
// owner of the state (TDISP-FSM-019, TDISP-TRK-015). Requests come one cycle after their event.
// Sessions that end and faults of the DSM are not seen here.

`default_nettype none
`include "tdisp_defs.vh"

module tdi_monitor #(
    parameter NUM_TDI         = 4,
    parameter TDI_W           = 2,
    parameter NUM_IDE_STREAMS = 2,
    parameter STREAM_W        = 1,
    parameter SDI_EN          = 0   // all TDIs are of function 0
) (
    input wire clk,
    input wire rst,

    // Announced configuration writes
    input wire             cfg_watch_valid,
    input wire [TDI_W-1:0] cfg_watch_func,
    input wire [     11:2] cfg_watch_addr,
    input wire [      3:0] cfg_watch_be,
    input wire [     31:0] cfg_watch_old,
    input wire [     31:0] cfg_watch_new,
    input wire [     31:0] cfg_watch_data,

    // Other events, one-cycle pulses
    input wire [        NUM_TDI-1:0] flr_req,
    input wire                       rid_change,
    input wire [NUM_IDE_STREAMS-1:0] stream_insecure_event,
    input wire [        NUM_TDI-1:0] poison_event,
    input wire [        NUM_TDI-1:0] cpl_error_event,
    input wire [                3:0] cpl_error_cause,        // valid with it
    input wire [        NUM_TDI-1:0] internal_error,

    // What the lock of a TDI covers: its default stream, streams bound for peers, MSI-X
    input wire [       STREAM_W*NUM_TDI-1:0] tdi_stream,
    input wire [NUM_IDE_STREAMS*NUM_TDI-1:0] tdi_p2p,
    input wire [                NUM_TDI-1:0] tdi_msix_locked,

    // Requests, and the cause of those that come in one cycle: of several causes the first in the
    // list below
    output reg [NUM_TDI-1:0] tdi_error_req,
    output reg [        3:0] tdi_error_cause
);

  wire [NUM_TDI-1:0] write_hit;
  wire [3:0] write_cause;

  lock_watch #(
      .NUM_TDI        (NUM_TDI),
      .TDI_W          (TDI_W),
      .NUM_IDE_STREAMS(NUM_IDE_STREAMS),
      .STREAM_W       (STREAM_W),
      .SDI_EN         (SDI_EN)
  ) u_lock_watch (
      .watch_valid    (cfg_watch_valid),
      .watch_func     (cfg_watch_func),
      .watch_addr     (cfg_watch_addr),
      .watch_old      (cfg_watch_old),
      .watch_new      (cfg_watch_new),
      .tdi_stream     (tdi_stream),
      .tdi_p2p        (tdi_p2p),
      .tdi_msix_locked(tdi_msix_locked),
      .hit            (write_hit),
      .cause          (write_cause)
  );

  reg [NUM_TDI-1:0] insecure_hit;
  wire [(1<<STREAM_W)-1:0] insecure = {
    {((1 << STREAM_W) - NUM_IDE_STREAMS) {1'b0}}, stream_insecure_event
  };

  always @* begin : insecure_targets
    integer n;
    insecure_hit = {NUM_TDI{1'b0}};
    for (n = 0; n < NUM_TDI; n = n + 1) begin
      insecure_hit[n] = insecure[tdi_stream[STREAM_W*n+:STREAM_W]] ||
          |(tdi_p2p[NUM_IDE_STREAMS*n+:NUM_IDE_STREAMS] & stream_insecure_event);
    end
  end

  always @(posedge clk) begin
    if (rst) begin
      tdi_error_req   <= {NUM_TDI{1'b0}};
      tdi_error_cause <= `TDISP_CAUSE_NONE;
    end else begin
      tdi_error_req <= write_hit | flr_req | {NUM_TDI{rid_change}} | insecure_hit | poison_event |
          cpl_error_event | internal_error;
      if (|flr_req) tdi_error_cause <= `TDISP_CAUSE_FLR;
      else if (rid_change) tdi_error_cause <= `TDISP_CAUSE_REQUESTER_ID;
      else if (|write_hit) tdi_error_cause <= write_cause;
      else if (|insecure_hit) tdi_error_cause <= `TDISP_CAUSE_STREAM_INSECURE;
      else if (|poison_event) tdi_error_cause <= `TDISP_CAUSE_POISONED;
      else if (|cpl_error_event) tdi_error_cause <= cpl_error_cause;
      else if (|internal_error) tdi_error_cause <= `TDISP_CAUSE_DSM_FAULT;
      else tdi_error_cause <= `TDISP_CAUSE_NONE;
    end
  end

  // Old and new value already hold the byte enables and the data.
  wire unused = &{1'b0, cfg_watch_be, cfg_watch_data};

endmodule

`default_nettype wire
