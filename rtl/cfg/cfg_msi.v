// SPDX-License-Identifier: Apache-2.0
//
// cfg_msi: MSI capability of all functions: 64-bit address, four vectors with masks.
//
// Nothing here can be trusted and no lock covers it: its messages have T = 0 always (TDISP-INT-001,
// TDISP-TRK-006). Addresses and data lie in RAM with one valid bit for each word, so that a reset of
// all functions takes one cycle. The read is registered: `func` is stable for a cycle before `rdata`
// is used.

`default_nettype none
`include "cfg_map.vh"
`include "pcie_defs.vh"

module cfg_msi #(
    parameter MSI_EN  = 1,  // 0: there is no such capability
    parameter NUM_TDI = 4,
    parameter TDI_W   = 2
) (
    input wire               clk,
    input wire               rst,
    input wire [NUM_TDI-1:0] clear_functions, // FLR, or the function does not exist

    // Access to a register
    input  wire [TDI_W-1:0] func,
    input  wire [     11:0] addr,
    output reg  [     31:0] rdata,
    output reg  [     31:0] rw_mask,
    input  wire             write,
    input  wire [     31:0] value,

    // Of all functions side by side: MSI Enable, more than one vector granted, all four, masks of
    // vectors 0 to 3
    output wire [7*NUM_TDI-1:0] msi_control,
    input  wire [4*NUM_TDI-1:0] msi_pending,  // vector v of all functions in slice v

    // What a message of a function consists of: data and address
    input  wire [TDI_W-1:0] msi_tdi,
    output wire [     79:0] msi_message  // one cycle after msi_tdi
);

  localparam [31:0] EXISTS = {32{MSI_EN != 0}};
  localparam [NUM_TDI-1:0] ONE = 1;
  localparam [NUM_TDI-1:0] NONE = {NUM_TDI{1'b0}};
  // Per-vector masks, 64-bit address
  localparam [8:0] FEATURES = 9'b0_0000_0011;
  localparam [2:0] FOUR_VECTORS = 3'd2;  // Multiple Message Capable
  // Multiple Message Enable, MSI Enable
  localparam [31:0] CONTROL_MASK = 32'h0071_0000;
  localparam WORDS = 3;  // in RAM: two of the address, data

  reg  [  NUM_TDI-1:0] enable_q;
  reg  [3*NUM_TDI-1:0] granted_q;  // Multiple Message Enable
  reg  [4*NUM_TDI-1:0] mask_q;

  wire [  NUM_TDI-1:0] granted_2 = granted_q[2*NUM_TDI+:NUM_TDI];
  wire [  NUM_TDI-1:0] granted_1 = granted_q[NUM_TDI+:NUM_TDI];
  wire [  NUM_TDI-1:0] granted_0 = granted_q[NUM_TDI-1:0];

  // More than was offered counts as all that was.
  assign msi_control = {mask_q, granted_2 | granted_1, granted_2 | granted_1 | granted_0, enable_q};

  // ------------------------------------------------------------------ address and data
  wire written = write && EXISTS[0];
  wire [WORDS-1:0] write_word = {
    written && addr == `CFG_REG_MSI_DATA,
    written && addr == `CFG_REG_MSI_ADDRESS_HIGH,
    written && addr == `CFG_REG_MSI_ADDRESS_LOW
  };
  wire [32*WORDS-1:0] word, looked;

  genvar w;
  generate
    for (w = 0; w < WORDS; w = w + 1) begin : g_word
      localparam WIDTH = w == 0 ? 30 : w == 1 ? 32 : 16;
      localparam FIRST = w == 0 ? 2 : 0;  // bit of the register
      reg [NUM_TDI-1:0] valid_q;
      reg looked_valid_q;
      wire [WIDTH-1:0] read_data, look_data;

      cfg_msi_ram #(
          .WIDTH (WIDTH),
          .WORDS (NUM_TDI),
          .ADDR_W(TDI_W)
      ) u_ram (
          .clk       (clk),
          .write_req (write_word[w]),
          .addr      (func),
          .write_data(value[FIRST+:WIDTH]),
          .read_data (read_data),
          .look_addr (msi_tdi),
          .look_data (look_data)
      );

      always @(posedge clk) begin
        if (rst) valid_q <= NONE;
        else valid_q <= (valid_q | (write_word[w] ? ONE << func : NONE)) & ~clear_functions;
        looked_valid_q <= valid_q[msi_tdi];
      end

      assign word[32*w+:32] = valid_q[func] ? {{(32 - WIDTH) {1'b0}}, read_data} << FIRST : 32'd0;
      assign looked[32*w+:32] =
          looked_valid_q ? {{(32 - WIDTH) {1'b0}}, look_data} << FIRST : 32'd0;
    end
  endgenerate

  assign msi_message = looked[79:0];

  // ------------------------------------------------------------------ registers
  wire [2:0] granted = {granted_2[func], granted_1[func], granted_0[func]};
  wire [3:0] mask, pending;  // of `func`

  genvar v;
  generate
    for (v = 0; v < 4; v = v + 1) begin : g_vector
      wire [NUM_TDI-1:0] masks = mask_q[NUM_TDI*v+:NUM_TDI];
      wire [NUM_TDI-1:0] all_pending = msi_pending[NUM_TDI*v+:NUM_TDI];
      assign mask[v]    = masks[func];
      assign pending[v] = all_pending[func];
    end
  endgenerate

  always @* begin
    rdata   = 32'd0;
    rw_mask = 32'd0;
    case (addr)
      `CFG_REG_MSI: begin
        rdata   = {FEATURES, granted, FOUR_VECTORS, enable_q[func], 8'd0, `PCIE_CAP_MSI};
        rw_mask = CONTROL_MASK;
      end
      `CFG_REG_MSI_ADDRESS_LOW: begin
        rdata   = word[31:0];
        rw_mask = 32'hffff_fffc;
      end
      `CFG_REG_MSI_ADDRESS_HIGH: begin
        rdata   = word[63:32];
        rw_mask = 32'hffff_ffff;
      end
      `CFG_REG_MSI_DATA: begin
        rdata   = word[95:64];
        rw_mask = 32'h0000_ffff;
      end
      `CFG_REG_MSI_MASK: begin
        rdata   = {28'd0, mask};
        rw_mask = 32'h0000_000f;
      end
      `CFG_REG_MSI_PENDING: rdata = {28'd0, pending};
      default: rdata = 32'd0;
    endcase
    rdata   = rdata & EXISTS;
    rw_mask = rw_mask & EXISTS;
  end

  wire [NUM_TDI-1:0] control_written = written && addr == `CFG_REG_MSI ? ONE << func : NONE;
  wire [NUM_TDI-1:0] mask_written = written && addr == `CFG_REG_MSI_MASK ? ONE << func : NONE;
  wire [3*NUM_TDI-1:0] new_granted = {
    {NUM_TDI{value[22]}}, {NUM_TDI{value[21]}}, {NUM_TDI{value[20]}}
  };
  wire [4*NUM_TDI-1:0] new_mask = {
    {NUM_TDI{value[3]}}, {NUM_TDI{value[2]}}, {NUM_TDI{value[1]}}, {NUM_TDI{value[0]}}
  };

  always @(posedge clk) begin
    if (rst) begin
      enable_q  <= NONE;
      granted_q <= {3 * NUM_TDI{1'b0}};
      mask_q    <= {4 * NUM_TDI{1'b0}};
    end else begin
      enable_q <= ((enable_q & ~control_written) | (control_written & {NUM_TDI{value[16]}})) &
          ~clear_functions;
      granted_q <= ((granted_q & ~{3{control_written}}) | ({3{control_written}} & new_granted)) &
          ~{3{clear_functions}};
      mask_q <= ((mask_q & ~{4{mask_written}}) | ({4{mask_written}} & new_mask)) &
          ~{4{clear_functions}};
    end
  end

  wire unused = &{1'b0, looked[95:80]};

endmodule

`default_nettype wire
