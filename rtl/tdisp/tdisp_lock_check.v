// SPDX-License-Identifier: Apache-2.0
//
// tdisp_lock_check: may a TDI be locked now? Combinational; the first failing check gives the code.

`default_nettype none
`include "tdisp_defs.vh"

module tdisp_lock_check #(
    parameter NUM_IDE_STREAMS = 2,
    parameter STREAM_W = 1,
    parameter SESSION_W = 2,
    // Defined LOCK flags that this device does not offer are refused, not ignored
    parameter REFUSE_UNOFFERED_FLAGS = 1,
    parameter P2P_EN = 1  // BIND_P2P and ALL_REQUEST_REDIRECT are offered
) (
    input wire [         15:0] flags,
    input wire [          7:0] stream_id,
    input wire [SESSION_W-1:0] session,

    input wire [          NUM_IDE_STREAMS-1:0] ide_enable,
    input wire [        8*NUM_IDE_STREAMS-1:0] ide_stream_id,
    input wire [        3*NUM_IDE_STREAMS-1:0] ide_tc,
    input wire [          NUM_IDE_STREAMS-1:0] ide_default,
    input wire [          NUM_IDE_STREAMS-1:0] stream_secure,
    input wire [          NUM_IDE_STREAMS-1:0] stream_keys_ready,
    input wire [          NUM_IDE_STREAMS-1:0] stream_owner_valid,
    input wire [SESSION_W*NUM_IDE_STREAMS-1:0] stream_owner_session,
    input wire                                 lock_config_ok,

    output wire                allow,
    output wire [        15:0] error_code,  // valid when not allowed
    output reg  [STREAM_W-1:0] stream       // register block of the default stream
);

  localparam [15:0] P2P_FLAGS = 16'd1 <<
  `TDISP_LOCK_BIT_BIND_P2P | 16'd1 << `TDISP_LOCK_BIT_ALL_REQUEST_REDIRECT;
  localparam [15:0] UNOFFERED = 16'd1 <<
  `TDISP_LOCK_BIT_SYSTEM_CACHE_LINE_SIZE | (P2P_EN != 0 ? 16'd0 : P2P_FLAGS);

  integer n;
  reg [3:0] defaults;  // register blocks that are marked default

  always @* begin
    stream   = {STREAM_W{1'b0}};
    defaults = 4'd0;
    for (n = 0; n < NUM_IDE_STREAMS; n = n + 1) begin
      if (ide_default[n]) begin
        stream   = n[STREAM_W-1:0];
        defaults = defaults + 4'd1;
      end
    end
  end

  wire flags_ok = REFUSE_UNOFFERED_FLAGS == 0 || (flags & UNOFFERED) == 16'd0;
  wire one_default = defaults == 4'd1;
  wire id_ok = ide_stream_id[8*stream+:8] == stream_id;
  wire keys_ok = stream_keys_ready[stream];
  wire owner_ok = stream_owner_valid[stream]
      && stream_owner_session[SESSION_W*stream+:SESSION_W] == session;
  wire tc_ok = ide_tc[3*stream+:3] == 3'd0;
  wire secure_ok = stream_secure[stream] && ide_enable[stream];
  wire stream_ok = flags_ok && one_default && id_ok && keys_ok && owner_ok && tc_ok && secure_ok;

  assign allow = stream_ok && lock_config_ok;
  assign error_code = stream_ok ?
      `TDISP_ERR_INVALID_DEVICE_CONFIGURATION
      : `TDISP_ERR_INVALID_REQUEST;

endmodule

`default_nettype wire
