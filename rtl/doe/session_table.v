// SPDX-License-Identifier: Apache-2.0
//
// session_table: keys, IVs and sequence numbers of the secured sessions.
//
// The root of trust loads keys; a deferred operation waits until `request_done`. Keys go to the
// record cipher only. A session that ends loses its keys in the same cycle (SPDM-SES-002).

`default_nettype none

module session_table #(
    parameter NUM_SESSIONS = 4,
    parameter SESSION_W = 2
) (
    input wire clk,
    input wire rst,

    // Session-key port
    input  wire         rot_key_valid,
    output wire         rot_key_ready,
    input  wire [  1:0] rot_key_op,
    input  wire [ 31:0] rot_key_session_id,
    input  wire         rot_key_direction,
    input  wire         rot_key_application,
    input  wire         rot_key_deferred,
    input  wire [255:0] rot_key_key,
    input  wire [ 95:0] rot_key_iv,

    input wire keys_open,    // the record layer uses no key now
    input wire request_done, // pulse: deferred operations take effect

    // Look-up by session id
    input  wire [         31:0] lookup_id,
    output wire                 lookup_hit,
    output wire [SESSION_W-1:0] lookup_idx,

    // The session that the record layer works on
    input  wire [SESSION_W-1:0] use_idx,
    input  wire                 use_direction,
    output wire                 use_known,      // is there
    output wire                 use_valid,      // has a key for this direction
    output wire                 established,    // past FINISH
    output wire [         31:0] use_id,
    output wire [        255:0] use_key,
    output wire [         95:0] use_nonce,      // IV xor sequence number
    output wire                 use_exhausted,  // the sequence number would wrap
    input  wire                 use_count,      // pulse: the sequence number was used

    input  wire end_req,  // pulse: the record layer ends session use_idx
    output wire ending,   // sessions are ending, one a cycle: no request may begin

    output reg                 session_end_valid,
    output reg [SESSION_W-1:0] session_end_idx,
    output reg                 rot_session_ended_valid,
    output reg [         31:0] rot_session_ended_id
);

  localparam [1:0] OP_LOAD = 2'd0;
  localparam [1:0] OP_END_SESSION = 2'd1;
  localparam [1:0] OP_END_ALL = 2'd2;

  localparam N = NUM_SESSIONS;
  localparam E = 2 << SESSION_W;  // entries: two directions of each session that an index can name

  function automatic [63:0] swap_bytes(input reg [63:0] value);
    integer n;
    begin
      for (n = 0; n < 8; n = n + 1) swap_bytes[8*n+:8] = value[8*(7-n)+:8];
    end
  endfunction

  // Entry 2n holds the request direction of session n, 2n + 1 the response direction.
  reg [N-1:0] valid_q;
  reg [31:0] id_q[0:N-1];
  reg [E-1:0] key_valid_q;
  reg [E-1:0] application_q;
  reg [255:0] key_q[0:E-1];
  reg [95:0] iv_q[0:E-1];
  reg [63:0] sequence_q[0:E-1];

  // Deferred operations
  reg [E-1:0] next_valid_q;
  reg [E-1:0] next_application_q;
  reg [255:0] next_key_q[0:E-1];
  reg [95:0] next_iv_q[0:E-1];
  reg [N-1:0] next_end_q;
  reg [N-1:0] end_due_q;
  reg ending_all_q;

  // ---------------------------------------------------------------- look-up
  function automatic [SESSION_W:0] find(input reg [N-1:0] hits);
    integer n;
    begin
      find = {(SESSION_W + 1) {1'b0}};
      for (n = N - 1; n >= 0; n = n - 1) if (hits[n]) find = {1'b1, n[SESSION_W-1:0]};
    end
  endfunction

  wire [N-1:0] lookup_hits, port_hits;
  generate
    genvar g;
    for (g = 0; g < N; g = g + 1) begin : g_hit
      assign lookup_hits[g] = valid_q[g] && id_q[g] == lookup_id;
      assign port_hits[g]   = valid_q[g] && id_q[g] == rot_key_session_id;
    end
  endgenerate

  wire port_hit, free_hit;
  wire [SESSION_W-1:0] port_idx, free_idx;
  assign {lookup_hit, lookup_idx} = find(lookup_hits);
  assign {port_hit, port_idx}     = find(port_hits);
  assign {free_hit, free_idx}     = find(~valid_q);

  wire port_take = rot_key_valid && rot_key_ready;
  wire load = port_take && rot_key_op == OP_LOAD && (port_hit || free_hit);
  wire [SESSION_W-1:0] load_idx = port_hit ? port_idx : free_idx;
  wire [SESSION_W:0] load_entry = {load_idx, rot_key_direction};

  assign ending        = ending_all_q || end_due_q != {N{1'b0}};
  assign rot_key_ready = keys_open && !ending && !request_done;

  // ---------------------------------------------------------------- use
  wire [SESSION_W:0] use_entry = {use_idx, use_direction};
  wire [63:0] sequence_now = sequence_q[use_entry];

  assign use_known     = valid_q[use_idx];
  assign use_valid     = use_known && key_valid_q[use_entry];
  assign established   = valid_q[use_idx] && application_q[{use_idx, 1'b0}];
  assign use_id        = id_q[use_idx];
  assign use_key       = key_q[use_entry];
  assign use_nonce     = iv_q[use_entry] ^ {swap_bytes(sequence_now), 32'h0};
  assign use_exhausted = &sequence_now;

  // ---------------------------------------------------------------- ends
  wire [SESSION_W:0] end_due = find(end_due_q);
  wire [SESSION_W:0] any_valid = find(valid_q);
  wire end_now = port_take && rot_key_op == OP_END_SESSION && port_hit && !rot_key_deferred;
  wire end_later = end_due[SESSION_W];
  wire end_one_of_all = ending_all_q && any_valid[SESSION_W];
  wire ends = end_req || end_now || end_later || end_one_of_all;
  wire [SESSION_W-1:0] end_idx = end_req ? use_idx : end_now ? port_idx
      : end_later ? end_due[SESSION_W-1:0] : any_valid[SESSION_W-1:0];

  always @(posedge clk) begin
    if (rst) begin
      session_end_valid       <= 1'b0;
      session_end_idx         <= {SESSION_W{1'b0}};
      rot_session_ended_valid <= 1'b0;
      rot_session_ended_id    <= 32'h0;
    end else begin
      session_end_valid       <= ends;
      session_end_idx         <= end_idx;
      rot_session_ended_valid <= end_req;
      if (end_req) rot_session_ended_id <= use_id;
    end
  end

  // ---------------------------------------------------------------- entries
  integer n;

  always @(posedge clk) begin
    if (rst) begin
      valid_q            <= {N{1'b0}};
      key_valid_q        <= {E{1'b0}};
      application_q      <= {E{1'b0}};
      next_valid_q       <= {E{1'b0}};
      next_application_q <= {E{1'b0}};
      next_end_q         <= {N{1'b0}};
      end_due_q          <= {N{1'b0}};
      ending_all_q       <= 1'b0;
      for (n = 0; n < E; n = n + 1) begin
        key_q[n]      <= 256'h0;
        iv_q[n]       <= 96'h0;
        sequence_q[n] <= 64'h0;
        next_key_q[n] <= 256'h0;
        next_iv_q[n]  <= 96'h0;
      end
    end else begin
      if (use_count) sequence_q[use_entry] <= sequence_now + 64'd1;

      if (request_done) begin
        for (n = 0; n < E; n = n + 1) begin
          if (next_valid_q[n]) begin
            key_valid_q[n]   <= 1'b1;
            application_q[n] <= next_application_q[n];
            key_q[n]         <= next_key_q[n];
            iv_q[n]          <= next_iv_q[n];
            sequence_q[n]    <= 64'h0;
            next_key_q[n]    <= 256'h0;
            next_iv_q[n]     <= 96'h0;
          end
        end
        next_valid_q <= {E{1'b0}};
        end_due_q    <= next_end_q;
        next_end_q   <= {N{1'b0}};
      end

      if (load) begin
        if (!port_hit) begin
          valid_q[load_idx] <= 1'b1;
          id_q[load_idx]    <= rot_key_session_id;
        end
        if (rot_key_deferred) begin
          next_valid_q[load_entry]       <= 1'b1;
          next_application_q[load_entry] <= rot_key_application;
          next_key_q[load_entry]         <= rot_key_key;
          next_iv_q[load_entry]          <= rot_key_iv;
        end else begin
          key_valid_q[load_entry]   <= 1'b1;
          application_q[load_entry] <= rot_key_application;
          key_q[load_entry]         <= rot_key_key;
          iv_q[load_entry]          <= rot_key_iv;
          sequence_q[load_entry]    <= 64'h0;
        end
      end

      if (port_take && rot_key_op == OP_END_SESSION && port_hit && rot_key_deferred)
        next_end_q[port_idx] <= 1'b1;
      if (port_take && rot_key_op == OP_END_ALL) ending_all_q <= 1'b1;
      else if (!any_valid[SESSION_W]) ending_all_q <= 1'b0;

      if (ends) begin
        valid_q[end_idx]    <= 1'b0;
        next_end_q[end_idx] <= 1'b0;
        end_due_q[end_idx]  <= 1'b0;
        for (n = 0; n < 2; n = n + 1) begin
          key_valid_q[{end_idx, n[0]}]   <= 1'b0;
          application_q[{end_idx, n[0]}] <= 1'b0;
          next_valid_q[{end_idx, n[0]}]  <= 1'b0;
          key_q[{end_idx, n[0]}]         <= 256'h0;
          iv_q[{end_idx, n[0]}]          <= 96'h0;
          next_key_q[{end_idx, n[0]}]    <= 256'h0;
          next_iv_q[{end_idx, n[0]}]     <= 96'h0;
        end
      end
    end
  end

endmodule

`default_nettype wire
