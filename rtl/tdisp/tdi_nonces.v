// SPDX-License-Identifier: Apache-2.0
//
// tdi_nonces: START_INTERFACE_NONCE of every TDI.
//
// A nonce lives exactly as long as CONFIG_LOCKED (TDISP-START-005, TDISP-STOP-005,
// TDISP-FSM-018); it leaves as the result of a comparison only. Whether a row is valid is told by a
// flip-flop, which goes at once however many TDIs leave CONFIG_LOCKED in one cycle. START and STOP
// clear their row in the same cycle; a sweep clears the rows that errors and a reset leave behind,
// one row a cycle. A row that is written is the business of the sweep no longer.

`default_nettype none

module tdi_nonces #(
    parameter NUM_TDI = 4,
    parameter TDI_W   = 2
) (
    input wire clk,
    input wire rst,

    input wire [TDI_W-1:0] req_idx,
    input wire             lock_req,    // pulse: keep `lock_nonce` for TDI req_idx
    input wire [    255:0] lock_nonce,
    input wire             forget_req,  // pulse: clear the row of TDI req_idx

    input wire [NUM_TDI-1:0] enters_lock,
    input wire [NUM_TDI-1:0] stays_locked,

    // Comparison, one cycle after read_req
    input  wire         read_req,
    input  wire [255:0] start_nonce,
    output wire         match,
    output wire         parity_wrong
);

  localparam [NUM_TDI-1:0] ONE = 1;
  localparam [TDI_W-1:0] FIRST = 0;
  localparam [TDI_W-1:0] STEP = 1;
  localparam [31:0] LAST = NUM_TDI - 1;

  reg [NUM_TDI-1:0] valid_q;
  reg [NUM_TDI-1:0] stale_q;  // the row may hold a nonce that is valid no longer
  reg [TDI_W-1:0] sweep_q;
  reg read_q;

  wire [NUM_TDI-1:0] requested = ONE << req_idx;
  wire [NUM_TDI-1:0] swept = ONE << sweep_q;
  wire requests = lock_req || forget_req;
  wire sweeps = !requests && |(stale_q & swept);
  wire [NUM_TDI-1:0] written = requests ? requested : sweeps ? swept : {NUM_TDI{1'b0}};
  wire [NUM_TDI-1:0] lost = lock_req ? requested & ~enters_lock : {NUM_TDI{1'b0}};

  always @(posedge clk) begin
    if (rst) begin
      valid_q <= {NUM_TDI{1'b0}};
      stale_q <= {NUM_TDI{1'b1}};
      sweep_q <= FIRST;
      read_q  <= 1'b0;
    end else begin
      valid_q <= enters_lock | (valid_q & stays_locked);
      stale_q <= ((stale_q | (valid_q & ~stays_locked)) & ~written) | lost;
      read_q  <= read_req;
      if (|stale_q && !requests) begin
        sweep_q <= sweep_q == LAST[TDI_W-1:0] ? FIRST : sweep_q + STEP;
      end
    end
  end

  // ---------------------------------------------------------------- rows
  // Odd parity: a row of zeros is never right.
  wire [256:0] row;

  secret_ram #(
      .DATA_W(257),
      .ADDR_W(TDI_W)
  ) u_ram (
      .clk       (clk),
      .write_en  (requests || sweeps),
      .write_addr(requests ? req_idx : sweep_q),
      .write_data(lock_req ? {~^lock_nonce, lock_nonce} : 257'h0),
      .read_en   (read_req),
      .read_addr (req_idx),
      .read_data (row)
  );

  wire readable = read_q && valid_q[req_idx];

  assign match        = readable && row[255:0] == start_nonce;
  assign parity_wrong = readable && !(^row);

endmodule

`default_nettype wire
