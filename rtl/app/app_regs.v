// SPDX-License-Identifier: Apache-2.0
//
// app_regs: register page and public page of all functions.
//
// One DW a cycle is read or written. Registers that the DMA engine uses are flip-flops, the scratch
// registers a RAM. A sweep step of app_scrub clears a function and comes before a write.

`default_nettype none
`include "app_defs.vh"

module app_regs #(
    parameter NUM_TDI = 4,
    parameter TDI_W   = 2
) (
    input wire clk,
    input wire rst,

    // One DW a cycle; writes are not given in a cycle with sweep_step
    input  wire             write_req,
    input  wire             read_req,
    input  wire             public_page,
    input  wire [TDI_W-1:0] access_tdi,
    input  wire [      9:0] access_dw,
    input  wire [     31:0] write_data,
    input  wire [      3:0] write_be,
    output wire [     31:0] read_data,    // one cycle after read_req

    // Clearing
    input wire             sweep_step,
    input wire [TDI_W-1:0] sweep_tdi,
    input wire [      3:0] sweep_word,

    // To and from the DMA engine, one field a function
    output wire [   NUM_TDI-1:0] start_req,        // CONTROL.START was written
    output wire                  start_to_host,
    output wire                  start_interrupt,
    output wire [32*NUM_TDI-1:0] length,
    output wire [64*NUM_TDI-1:0] host_address,
    output wire [32*NUM_TDI-1:0] device_address,
    output wire [ 2*NUM_TDI-1:0] vector,
    input  wire [   NUM_TDI-1:0] busy,
    input  wire [   NUM_TDI-1:0] done_req,         // a transfer has ended
    input  wire [   NUM_TDI-1:0] error_req         // with an error
);

  localparam [11:0] SCRATCH_END = `APP_REG_SCRATCH + 4 * `APP_SCRATCH_REGISTERS;

  reg [31:0] length_q[0:NUM_TDI-1];
  reg [31:2] host_low_q[0:NUM_TDI-1];
  reg [31:0] host_high_q[0:NUM_TDI-1];
  reg [31:2] device_q[0:NUM_TDI-1];
  reg [1:0] vector_q[0:NUM_TDI-1];
  reg [31:0] public_q[0:NUM_TDI-1];
  reg [NUM_TDI-1:0] done_q, error_q;
  integer n;

  function automatic [31:0] merge(input reg [31:0] old, input reg [31:0] data, input reg [3:0] be);
    integer i;
    for (i = 0; i < 4; i = i + 1) merge[8*i+:8] = be[i] ? data[8*i+:8] : old[8*i+:8];
  endfunction

  wire [11:0] offset = {access_dw, 2'b00};
  wire register_write = write_req && !public_page;
  wire scratch_page = !public_page && offset >= `APP_REG_SCRATCH && offset < SCRATCH_END;
  wire [3:0] scratch_idx = access_dw[3:0] - 4'd8;
  wire [31:0] scratch_data;
  wire [31:0] new_low = merge({host_low_q[access_tdi], 2'b00}, write_data, write_be);
  wire [31:0] new_device = merge({device_q[access_tdi], 2'b00}, write_data, write_be);
  wire [31:0] new_vector = merge({30'd0, vector_q[access_tdi]}, write_data, write_be);

  app_ram #(
      .WIDTH (32),
      .WORDS (NUM_TDI * `APP_SCRATCH_REGISTERS),
      .ADDR_W(TDI_W + 4)
  ) u_scratch (
      .clk       (clk),
      .write_be  (sweep_step ? 4'hf : (write_req && scratch_page) ? write_be : 4'h0),
      .write_addr(sweep_step ? {sweep_tdi, sweep_word} : {access_tdi, scratch_idx}),
      .write_data(sweep_step ? 32'd0 : write_data),
      .read_req  (read_req),
      .read_addr ({access_tdi, scratch_idx}),
      .read_data (scratch_data)
  );

  always @(posedge clk) begin
    for (n = 0; n < NUM_TDI; n = n + 1) begin
      if (rst || (sweep_step && sweep_tdi == n[TDI_W-1:0])) begin
        length_q[n]    <= 32'd0;
        host_low_q[n]  <= 30'd0;
        host_high_q[n] <= 32'd0;
        device_q[n]    <= 30'd0;
        vector_q[n]    <= 2'd0;
        public_q[n]    <= 32'd0;
        done_q[n]      <= 1'b0;
        error_q[n]     <= 1'b0;
      end else begin
        if (register_write && access_tdi == n[TDI_W-1:0]) begin
          case (offset)
            `APP_REG_STATUS: begin
              if (write_be[0] && write_data[`APP_STATUS_BIT_DONE]) done_q[n] <= 1'b0;
              if (write_be[0] && write_data[`APP_STATUS_BIT_ERROR]) error_q[n] <= 1'b0;
            end
            `APP_REG_LENGTH: length_q[n] <= merge(length_q[n], write_data, write_be);
            `APP_REG_HOST_ADDRESS_LOW: host_low_q[n] <= new_low[31:2];
            `APP_REG_HOST_ADDRESS_HIGH: begin
              host_high_q[n] <= merge(host_high_q[n], write_data, write_be);
            end
            `APP_REG_DEVICE_ADDRESS: device_q[n] <= new_device[31:2];
            `APP_REG_VECTOR: vector_q[n] <= new_vector[1:0];
            default: ;
          endcase
        end
        if (write_req && public_page && access_tdi == n[TDI_W-1:0] &&
            offset == `APP_PUBLIC_REG_SCRATCH) begin
          public_q[n] <= merge(public_q[n], write_data, write_be);
        end
        // The end of a transfer wins over software that clears the old one.
        if (done_req[n]) done_q[n] <= 1'b1;
        if (error_req[n]) error_q[n] <= 1'b1;
      end
    end
  end

  reg [31:0] read_q;
  reg        scratch_read_q;

  always @(posedge clk) begin
    if (read_req) begin
      scratch_read_q <= scratch_page;
      read_q         <= 32'd0;
      if (public_page) begin
        case (offset)
          `APP_PUBLIC_REG_ID: read_q <= `APP_PUBLIC_ID_VALUE;
          `APP_PUBLIC_REG_SCRATCH: read_q <= public_q[access_tdi];
          default: read_q <= 32'd0;
        endcase
      end else begin
        case (offset)
          `APP_REG_ID: read_q <= `APP_ID_VALUE;
          `APP_REG_STATUS: begin
            read_q[`APP_STATUS_BIT_BUSY]  <= busy[access_tdi];
            read_q[`APP_STATUS_BIT_DONE]  <= done_q[access_tdi];
            read_q[`APP_STATUS_BIT_ERROR] <= error_q[access_tdi];
          end
          `APP_REG_LENGTH: read_q <= length_q[access_tdi];
          `APP_REG_HOST_ADDRESS_LOW: read_q <= {host_low_q[access_tdi], 2'b00};
          `APP_REG_HOST_ADDRESS_HIGH: read_q <= host_high_q[access_tdi];
          `APP_REG_DEVICE_ADDRESS: read_q <= {device_q[access_tdi], 2'b00};
          `APP_REG_VECTOR: read_q <= {30'd0, vector_q[access_tdi]};
          default: read_q <= 32'd0;
        endcase
      end
    end
  end

  assign read_data = scratch_read_q ? scratch_data : read_q;

  wire start = register_write && offset == `APP_REG_CONTROL && write_be[0] &&
      write_data[`APP_CONTROL_BIT_START];
  assign start_to_host   = write_data[`APP_CONTROL_BIT_WRITE_HOST];
  assign start_interrupt = write_data[`APP_CONTROL_BIT_INTERRUPT];

  genvar g;
  generate
    for (g = 0; g < NUM_TDI; g = g + 1) begin : g_fields
      assign start_req[g]             = start && access_tdi == g;
      assign length[32*g+:32]         = length_q[g];
      assign host_address[64*g+:64]   = {host_high_q[g], host_low_q[g], 2'b00};
      assign device_address[32*g+:32] = {device_q[g], 2'b00};
      assign vector[2*g+:2]           = vector_q[g];
    end
  endgenerate

  wire unused = &{1'b0, new_low[1:0], new_device[1:0], new_vector[31:2]};

endmodule

`default_nettype wire
