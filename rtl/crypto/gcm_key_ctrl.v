// SPDX-License-Identifier: Apache-2.0
//
// gcm_key_ctrl: loads and clears the contexts of a GCM engine.
//
// A key operation holds new invocations back, waits until those under way are finished, and then
// changes round keys and H of its context. After reset it zeroes every context first; after a fault
// it zeroes them over and over.

`default_nettype none

module gcm_key_ctrl #(
    parameter CTX_W = 3
) (
    input  wire clk,
    input  wire rst,
    output wire busy,  // the sweep after reset
    input  wire halt,  // a fault elsewhere
    output wire fault,

    input  wire             key_valid,
    output wire             key_ready,
    input  wire [CTX_W-1:0] key_ctx,
    input  wire [    255:0] key,

    input  wire             key_clear_valid,
    output wire             key_clear_ready,
    input  wire [CTX_W-1:0] key_clear_ctx,

    // The engine
    output wire hold,     // accept no invocation
    input  wire drained,  // none is under way
    input  wire clean,    // its stores are zero, looked at in the sweep

    // Round keys and H, to be written
    output wire             rk_we,
    output wire             rk_clear,
    output wire [      3:0] rk_round,
    output wire [    127:0] rk_data,
    output wire             h_we,
    output wire [    127:0] h_data,
    output wire [CTX_W-1:0] write_ctx,

    // The zero block that becomes H; the pipeline is empty when it is sent
    output wire             zero_valid,
    output wire [CTX_W-1:0] zero_ctx,
    input  wire             result_valid,
    input  wire [    127:0] result
);

  // Hamming distance of at least 3 between any two.
  localparam [6:0] ST_SWEEP = 7'b0000111;
  localparam [6:0] ST_IDLE = 7'b0011001;
  localparam [6:0] ST_DRAIN = 7'b0101010;
  localparam [6:0] ST_CLEAR = 7'b0110100;
  localparam [6:0] ST_LOAD = 7'b1001011;
  localparam [6:0] ST_EXPAND = 7'b1010101;
  localparam [6:0] ST_ZERO = 7'b1100110;
  localparam [6:0] ST_RESULT = 7'b1111000;
  localparam [6:0] ST_FAULT = 7'b1111111;

  localparam [CTX_W-1:0] CTX_ONE = 1;

  reg  [      6:0] state_q;
  reg  [      6:0] state_d;
  reg  [CTX_W-1:0] ctx_q;
  wire             expand_busy;
  wire             expand_done;

  wire             sweep = state_q == ST_SWEEP;
  wire             clear = state_q == ST_CLEAR && key_clear_valid;
  wire             load = state_q == ST_LOAD && key_valid;
  wire             store = state_q == ST_RESULT && result_valid;

  always @* begin
    state_d = state_q;
    case (state_q)
      ST_SWEEP:  if (&ctx_q && clean) state_d = ST_IDLE;
      ST_IDLE:   if (key_clear_valid || key_valid) state_d = ST_DRAIN;
      ST_DRAIN: begin
        if (key_clear_valid) begin
          if (drained) state_d = ST_CLEAR;
        end else if (key_valid) begin
          if (drained) state_d = ST_LOAD;
        end else state_d = ST_IDLE;
      end
      ST_CLEAR:  state_d = ST_IDLE;
      ST_LOAD:   state_d = load ? ST_EXPAND : ST_IDLE;
      ST_EXPAND: if (expand_done) state_d = ST_ZERO;
      ST_ZERO:   state_d = ST_RESULT;
      ST_RESULT: if (result_valid) state_d = ST_IDLE;
      default:   state_d = ST_FAULT;
    endcase
    if (halt || (result_valid && state_q != ST_RESULT)) state_d = ST_FAULT;
  end

  always @(posedge clk) begin
    if (rst) begin
      state_q <= ST_SWEEP;
      ctx_q   <= {CTX_W{1'b0}};
    end else begin
      state_q <= state_d;
      if (sweep ? !(&ctx_q) : fault) ctx_q <= ctx_q + CTX_ONE;
      else if (load) ctx_q <= key_ctx;
    end
  end

  aes256_key_expand u_expand (
      .clk     (clk),
      .rst     (rst || state_q == ST_FAULT),
      .start   (load),
      .key     (key),
      .busy    (expand_busy),
      .done    (expand_done),
      .rk_we   (rk_we),
      .rk_round(rk_round),
      .rk_data (rk_data)
  );

  assign busy            = sweep;
  assign fault           = state_q == ST_FAULT;
  assign hold            = state_q != ST_IDLE;
  assign key_ready       = state_q == ST_LOAD;
  assign key_clear_ready = state_q == ST_CLEAR;

  assign rk_clear        = sweep || clear || fault;
  assign h_we            = rk_clear || store;
  assign h_data          = store ? result : 128'd0;
  assign write_ctx       = state_q == ST_CLEAR ? key_clear_ctx : ctx_q;
  assign zero_valid      = state_q == ST_ZERO;
  assign zero_ctx        = ctx_q;

  wire unused = &{1'b0, expand_busy};

endmodule

`default_nettype wire
