// SPDX-License-Identifier: Apache-2.0
//
// tdisp_p2p_check: may a P2P stream be bound to a TDI now, or unbound? Combinational
// (TDISP-P2P-002).
//
// A stream that is not Secure is refused, as LOCK refuses one: what has already left Secure would
// not move the TDI to ERROR (TDISP-P2P-005).

`default_nettype none

module tdisp_p2p_check #(
    parameter NUM_IDE_STREAMS = 2,
    parameter SESSION_W = 2
) (
    input wire [          7:0] stream_id,
    input wire [SESSION_W-1:0] session,    // that locked the TDI

    // Of the TDI
    input wire                       permitted,   // BIND_P2P was set at LOCK
    input wire                       ats_enable,
    input wire [NUM_IDE_STREAMS-1:0] bound,       // register blocks

    input wire [          NUM_IDE_STREAMS-1:0] ide_enable,
    input wire [        8*NUM_IDE_STREAMS-1:0] ide_stream_id,
    input wire [          NUM_IDE_STREAMS-1:0] ide_default,
    input wire [          NUM_IDE_STREAMS-1:0] ide_rid_valid,
    input wire [       16*NUM_IDE_STREAMS-1:0] ide_rid_base,
    input wire [       16*NUM_IDE_STREAMS-1:0] ide_rid_limit,
    input wire [          NUM_IDE_STREAMS-1:0] ide_addr_valid,
    input wire [       64*NUM_IDE_STREAMS-1:0] ide_addr_base,
    input wire [       64*NUM_IDE_STREAMS-1:0] ide_addr_limit,
    input wire [          NUM_IDE_STREAMS-1:0] stream_secure,
    input wire [          NUM_IDE_STREAMS-1:0] stream_keys_ready,
    input wire [          NUM_IDE_STREAMS-1:0] stream_owner_valid,
    input wire [SESSION_W*NUM_IDE_STREAMS-1:0] stream_owner_session,

    output wire                       bind_allowed,
    output wire                       unbind_allowed,
    output wire [NUM_IDE_STREAMS-1:0] streams          // register blocks with this Stream ID
);

  reg [NUM_IDE_STREAMS-1:0] named, keyed, overlaps;
  reg rid_valid, addr_valid;
  reg [15:0] rid_base, rid_limit;
  reg [63:0] addr_base, addr_limit;
  integer n;

  // The block with this Stream ID; with several of them nothing is bound.
  always @* begin
    rid_valid  = 1'b0;
    rid_base   = 16'h0;
    rid_limit  = 16'h0;
    addr_valid = 1'b0;
    addr_base  = 64'h0;
    addr_limit = 64'h0;
    for (n = 0; n < NUM_IDE_STREAMS; n = n + 1) begin
      named[n] = ide_stream_id[8*n+:8] == stream_id;
      keyed[n] = stream_keys_ready[n] && stream_owner_valid[n]
          && stream_owner_session[SESSION_W*n+:SESSION_W] == session;
      if (named[n]) begin
        rid_valid  = ide_rid_valid[n];
        rid_base   = ide_rid_base[16*n+:16];
        rid_limit  = ide_rid_limit[16*n+:16];
        addr_valid = ide_addr_valid[n];
        addr_base  = ide_addr_base[64*n+:64];
        addr_limit = ide_addr_limit[64*n+:64];
      end
    end
  end

  // Ranges of two blocks overlap when each begins before the other ends.
  always @* begin
    for (n = 0; n < NUM_IDE_STREAMS; n = n + 1) begin
      overlaps[n] = ide_enable[n] && !named[n] && (
          (rid_valid && ide_rid_valid[n] && rid_base <= ide_rid_limit[16*n+:16]
              && ide_rid_base[16*n+:16] <= rid_limit)
          || (addr_valid && ide_addr_valid[n] && addr_base <= ide_addr_limit[64*n+:64]
              && ide_addr_base[64*n+:64] <= addr_limit));
    end
  end

  localparam [NUM_IDE_STREAMS-1:0] ONE = 1;
  wire alone = |named && (named & (named - ONE)) == {NUM_IDE_STREAMS{1'b0}};
  wire usable = |(named & keyed & stream_secure & ide_enable & ~ide_default);
  wire apart = ~|overlaps;

  assign bind_allowed   = permitted && ats_enable && alone && usable && apart;
  assign unbind_allowed = permitted && |(named & bound);
  assign streams        = named;

endmodule

`default_nettype wire
