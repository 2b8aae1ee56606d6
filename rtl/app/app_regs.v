// SPDX-License-Identifier: Apache-2.0
//
// app_regs: register page and public page of all functions.
//
// One DW a cycle is read or written. What programs a transfer is one word of a RAM for each
// function, so that all of it is there in the cycle after START was written; scratch registers are
// a RAM of their own. A sweep step of app_scrub clears a function and comes before a write.

`default_nettype none
`include "app_defs.vh"

module app_regs #(
    parameter NUM_TDI = 4,
    parameter TDI_W   = 2
) (
    input wire clk,
    input wire rst,

    // One DW a cycle; writes are not given in a cycle with sweep_step, nor while a read is in work
    input  wire             write_req,
    input  wire             read_req,
    input  wire             public_page,
    input  wire [TDI_W-1:0] access_tdi,
    input  wire [      9:0] access_dw,
    input  wire [     31:0] write_data,
    input  wire [      3:0] write_be,
    output reg  [     31:0] read_data,    // one cycle after read_req

    // Clearing
    input wire             sweep_step,
    input wire [TDI_W-1:0] sweep_tdi,
    input wire [      3:0] sweep_word,

    // To the DMA engine: CONTROL.START of access_tdi was written
    output wire        start_req,
    output wire        start_to_host,
    output wire        start_interrupt,
    output wire [ 2:0] start_attr,       // ID-Based Ordering, Relaxed Ordering, No Snoop
    output wire [ 1:0] start_atomic,     // 0 transfer, 1 FetchAdd, 2 Swap, 3 CAS
    output wire        start_translate,
    output wire [ 2:0] start_hint,       // there is one, and the Processing Hint
    output wire        start_pasid,
    // One cycle later, until the next access
    output wire [31:0] length,
    output wire [63:0] host_address,
    output wire [31:0] device_address,
    output wire [ 1:0] vector,
    output wire [19:0] pasid,

    // Page Requests: START was written to PAGE_REQUEST of access_tdi
    output wire       page_start_req,
    input  wire [2:0] page_status,     // of access_tdi

    // From it, one bit a function
    input wire [NUM_TDI-1:0] busy,
    input wire [NUM_TDI-1:0] done_req,  // a transfer has ended
    input wire [NUM_TDI-1:0] error_req  // with an error
);

  localparam [11:0] SCRATCH_END = `APP_REG_SCRATCH + 4 * `APP_SCRATCH_REGISTERS;
  localparam [NUM_TDI-1:0] ONE = 1;
  localparam [NUM_TDI-1:0] NONE = {NUM_TDI{1'b0}};

  reg [NUM_TDI-1:0] done_q, error_q;

  wire [11:0] offset = {access_dw, 2'b00};
  wire register_write = write_req && !public_page;

  // ------------------------------------------------------------------ scratch registers
  wire scratch_page = !public_page && offset >= `APP_REG_SCRATCH && offset < SCRATCH_END;
  wire [3:0] scratch_idx = access_dw[3:0] - 4'd8;
  wire [31:0] scratch_data;

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

  // ------------------------------------------------------------------ the program of a transfer
  localparam PROGRAM_W = 192;

  reg [PROGRAM_W/8-1:0] program_be;
  wire [PROGRAM_W-1:0] transfer_program;
  wire [31:0] public_scratch;
  wire [5:0] unused_vector;
  wire [3:0] unused_pasid;

  always @* begin
    program_be = {PROGRAM_W / 8{1'b0}};
    if (register_write) begin
      case (offset)
        `APP_REG_LENGTH: program_be[3:0] = write_be;
        `APP_REG_HOST_ADDRESS_LOW: program_be[7:4] = write_be;
        `APP_REG_HOST_ADDRESS_HIGH: program_be[11:8] = write_be;
        `APP_REG_DEVICE_ADDRESS: program_be[15:12] = write_be;
        `APP_REG_VECTOR: program_be[20] = write_be[0];
        `APP_REG_PASID: program_be[23:21] = write_be[2:0];
        default: program_be = {PROGRAM_W / 8{1'b0}};
      endcase
    end
    if (write_req && public_page && offset == `APP_PUBLIC_REG_SCRATCH) program_be[19:16] = write_be;
    if (sweep_step) program_be = {PROGRAM_W / 8{1'b1}};
  end

  app_ram #(
      .WIDTH (PROGRAM_W),
      .WORDS (NUM_TDI),
      .ADDR_W(TDI_W)
  ) u_program (
      .clk(clk),
      .write_be(program_be),
      .write_addr(sweep_step ? sweep_tdi : access_tdi),
      .write_data(sweep_step ? {PROGRAM_W{1'b0}} : {
        4'd0,
        write_data[19:0],
        6'd0,
        write_data[1:0],
        write_data,
        write_data[31:2],
        2'b00,
        write_data,
        write_data[31:2],
        2'b00,
        write_data
      }),
      .read_req(read_req || start_req || page_start_req),
      .read_addr(access_tdi),
      .read_data(transfer_program)
  );

  assign {
    unused_pasid, pasid, unused_vector, vector, public_scratch, device_address, host_address, length
  } = transfer_program;

  assign start_req = register_write && offset == `APP_REG_CONTROL && write_be[0] &&
      write_data[`APP_CONTROL_BIT_START];
  assign page_start_req = register_write && offset == `APP_REG_PAGE_REQUEST && write_be[0] &&
      write_data[`APP_CONTROL_BIT_START];
  assign start_to_host = write_data[`APP_CONTROL_BIT_WRITE_HOST];
  assign start_interrupt = write_data[`APP_CONTROL_BIT_INTERRUPT];
  assign start_attr = {
    write_data[`APP_CONTROL_BIT_ID_BASED_ORDERING],
    write_data[`APP_CONTROL_BIT_RELAXED_ORDERING],
    write_data[`APP_CONTROL_BIT_NO_SNOOP]
  };
  assign start_translate = write_be[1] && write_data[`APP_CONTROL_BIT_TRANSLATE];
  assign start_pasid = write_be[1] && write_data[`APP_CONTROL_BIT_WITH_PASID];
  assign start_hint = {
    write_be[1] && write_data[`APP_CONTROL_BIT_HINT],
    write_data[`APP_CONTROL_BIT_HINT_HIGH],
    write_data[`APP_CONTROL_BIT_HINT_LOW]
  };
  assign start_atomic = {write_data[`APP_CONTROL_BIT_SWAP], write_data[`APP_CONTROL_BIT_FETCH_ADD]};

  // ------------------------------------------------------------------ status
  wire [NUM_TDI-1:0] access = ONE << access_tdi;
  wire [NUM_TDI-1:0] sweep = sweep_step ? ONE << sweep_tdi : NONE;
  wire status_write = register_write && offset == `APP_REG_STATUS && write_be[0];
  wire clear_done = status_write && write_data[`APP_STATUS_BIT_DONE];
  wire clear_error = status_write && write_data[`APP_STATUS_BIT_ERROR];

  always @(posedge clk) begin
    if (rst) begin
      done_q  <= NONE;
      error_q <= NONE;
    end else begin
      // The end of a transfer wins over software that clears the old one.
      done_q  <= ((done_q & ~(clear_done ? access : NONE)) | done_req) & ~sweep;
      error_q <= ((error_q & ~(clear_error ? access : NONE)) | error_req) & ~sweep;
    end
  end

  // ------------------------------------------------------------------ reads
  reg [11:0] offset_q;
  reg public_q, scratch_q;
  reg [2:0] status_q, page_status_q;

  always @(posedge clk) begin
    if (read_req) begin
      offset_q                        <= offset;
      public_q                        <= public_page;
      scratch_q                       <= scratch_page;
      page_status_q                   <= page_status;
      status_q[`APP_STATUS_BIT_BUSY]  <= busy[access_tdi];
      status_q[`APP_STATUS_BIT_DONE]  <= done_q[access_tdi];
      status_q[`APP_STATUS_BIT_ERROR] <= error_q[access_tdi];
    end
  end

  always @* begin
    read_data = 32'd0;
    if (public_q) begin
      case (offset_q)
        `APP_PUBLIC_REG_ID: read_data = `APP_PUBLIC_ID_VALUE;
        `APP_PUBLIC_REG_SCRATCH: read_data = public_scratch;
        default: read_data = 32'd0;
      endcase
    end else if (scratch_q) begin
      read_data = scratch_data;
    end else begin
      case (offset_q)
        `APP_REG_ID: read_data = `APP_ID_VALUE;
        `APP_REG_STATUS: read_data[2:0] = status_q;
        `APP_REG_LENGTH: read_data = length;
        `APP_REG_HOST_ADDRESS_LOW: read_data = host_address[31:0];
        `APP_REG_HOST_ADDRESS_HIGH: read_data = host_address[63:32];
        `APP_REG_DEVICE_ADDRESS: read_data = device_address;
        `APP_REG_VECTOR: read_data = {30'd0, vector};
        `APP_REG_PASID: read_data = {12'd0, pasid};
        `APP_REG_PAGE_REQUEST: read_data[2:0] = page_status_q;
        default: read_data = 32'd0;
      endcase
    end
  end

  wire unused = &{1'b0, unused_vector, unused_pasid};

endmodule

`default_nettype wire
