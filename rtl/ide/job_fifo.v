// SPDX-License-Identifier: Apache-2.0
//
// job_fifo: TLPs under way, each with the conditions that it depends on.
//
// A job names a stream and a key. Once the stream was not Secure, or the key not ready, in any cycle
// of the job's stay, the job is dead for good: it cannot come back to life with the stream's next
// keys (IDE-ST-013, IDE-KEY-005).

`default_nettype none

module job_fifo #(
    parameter W           = 32,  // bits of a job
    parameter DEPTH       = 4,   // a power of two
    parameter PTR_W       = 2,
    parameter STREAM_W    = 1,
    parameter NUM_STREAMS = 2,
    parameter KEY_W       = 4,
    parameter NUM_KEYS    = 12
) (
    input wire clk,
    input wire rst,

    input wire [NUM_STREAMS-1:0] stream_alive,
    input wire [   NUM_KEYS-1:0] key_alive,

    input  wire                s_valid,
    output wire                s_ready,
    input  wire [       W-1:0] s_data,
    input  wire                s_on_stream,    // the job depends on a stream
    input  wire [STREAM_W-1:0] s_stream,
    input  wire                s_stream_dead,
    input  wire                s_on_key,       // and on a key
    input  wire [   KEY_W-1:0] s_key,
    input  wire                s_key_dead,

    output wire                m_valid,
    input  wire                m_ready,
    output wire [       W-1:0] m_data,
    output wire [STREAM_W-1:0] m_stream,
    output wire                m_stream_dead,
    output wire                m_key_dead
);

  generate
    if (DEPTH != (1 << PTR_W)) begin : g_check_depth
      PARAM_ERROR_DEPTH_must_be_2_to_the_PTR_W u_stop ();
    end
  endgenerate

  reg [W-1:0] store_q[0:DEPTH-1];
  reg [STREAM_W*DEPTH-1:0] stream_q;
  reg [KEY_W*DEPTH-1:0] key_q;
  reg [DEPTH-1:0] on_stream_q, on_key_q, stream_dead_q, key_dead_q;
  reg [PTR_W:0] write_ptr_q, read_ptr_q;

  wire [PTR_W-1:0] write_at = write_ptr_q[PTR_W-1:0];
  wire [PTR_W-1:0] read_at = read_ptr_q[PTR_W-1:0];
  wire full = write_ptr_q == (read_ptr_q ^ {1'b1, {PTR_W{1'b0}}});

  assign s_ready  = !full;
  assign m_valid  = write_ptr_q != read_ptr_q;
  assign m_data   = store_q[read_at];
  assign m_stream = stream_q[STREAM_W*read_at+:STREAM_W];

  // An index beyond the last stream or key counts as dead.
  reg [DEPTH-1:0] stream_lost, key_lost;
  integer i, j;

  always @* begin
    for (i = 0; i < DEPTH; i = i + 1) begin
      stream_lost[i] = on_stream_q[i];
      key_lost[i]    = on_key_q[i];
      for (j = 0; j < NUM_STREAMS; j = j + 1)
      if (stream_q[STREAM_W*i+:STREAM_W] == j[STREAM_W-1:0] && stream_alive[j])
        stream_lost[i] = 1'b0;
      for (j = 0; j < NUM_KEYS; j = j + 1)
      if (key_q[KEY_W*i+:KEY_W] == j[KEY_W-1:0] && key_alive[j]) key_lost[i] = 1'b0;
    end
  end

  assign m_stream_dead = stream_dead_q[read_at] || stream_lost[read_at];
  assign m_key_dead    = key_dead_q[read_at] || key_lost[read_at];

  always @(posedge clk) begin
    if (rst) begin
      write_ptr_q <= {(PTR_W + 1) {1'b0}};
      read_ptr_q  <= {(PTR_W + 1) {1'b0}};
    end else begin
      if (s_valid && s_ready) write_ptr_q <= write_ptr_q + 1'b1;
      if (m_valid && m_ready) read_ptr_q <= read_ptr_q + 1'b1;
    end
  end

  always @(posedge clk) begin
    stream_dead_q <= stream_dead_q | stream_lost;
    key_dead_q    <= key_dead_q | key_lost;
    if (s_valid && s_ready) begin
      store_q[write_at]                     <= s_data;
      stream_q[STREAM_W*write_at+:STREAM_W] <= s_stream;
      key_q[KEY_W*write_at+:KEY_W]          <= s_key;
      on_stream_q[write_at]                 <= s_on_stream;
      on_key_q[write_at]                    <= s_on_key;
      stream_dead_q[write_at]               <= s_on_stream && s_stream_dead;
      key_dead_q[write_at]                  <= s_on_key && s_key_dead;
    end
  end

endmodule

`default_nettype wire
