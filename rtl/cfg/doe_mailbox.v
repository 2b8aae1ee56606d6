// SPDX-License-Identifier: Apache-2.0
//
// doe_mailbox: DOE extended capability, version 1, without interrupt.
//
// A whole object whose length is right goes out on m_axis_doe; the other side answers each object
// exactly once, by a response on s_axis_doe or by a doe_rsp_none pulse. Busy spans from GO to the
// answer. Abort, FLR and Error empty the mailbox. What was aborted after it had begun to leave is
// sent to its end, with Busy set, and its answer is swallowed; the next object is held until that
// answer is there (DOE-FSM-002, 005, 006). An object that is asked for while a response is unread
// waits for the response to be read.

`default_nettype none
`include "cfg_map.vh"
`include "doe_defs.vh"
`include "pcie_defs.vh"

module doe_mailbox #(
    parameter        DOE_DWORDS = 1152,       // longest object
    parameter        TIMEOUT    = 250000000,  // cycles from GO to Error, at most one second
    parameter [11:0] NEXT       = 12'h000
) (
    input wire clk,
    input wire rst,
    input wire flr,

    // Access to a register
    input  wire [11:0] addr,
    output reg  [31:0] rdata,
    input  wire        write,
    input  wire [31:0] wdata,
    input  wire [ 3:0] be,
    input  wire        poisoned_write,

    // Requests
    output wire [31:0] m_axis_doe_tdata,
    output wire        m_axis_doe_tvalid,
    input  wire        m_axis_doe_tready,
    output wire        m_axis_doe_tlast,

    // Responses
    input  wire [31:0] s_axis_doe_tdata,
    input  wire        s_axis_doe_tvalid,
    output wire        s_axis_doe_tready,
    input  wire        s_axis_doe_tlast,
    input  wire        doe_rsp_none
);

  function automatic integer clog2(input integer count);
    integer i;
    begin
      clog2 = 1;
      for (i = 1; i < 31; i = i + 1) if ((1 << i) < count) clog2 = i + 1;
    end
  endfunction

  localparam COUNT_W = clog2(DOE_DWORDS + 1);
  localparam INDEX_W = clog2(DOE_DWORDS);
  localparam [31:0] DWORDS = DOE_DWORDS;
  localparam [COUNT_W-1:0] CAPACITY = DWORDS[COUNT_W-1:0];
  localparam [COUNT_W-1:0] HEADER_DWORDS = 2;
  localparam [31:0] LAST_CYCLE = TIMEOUT - 1;
  localparam [3:0] VERSION = 4'd1;

  generate
    if (DOE_DWORDS < 4 || DOE_DWORDS > 262143) begin : g_check_doe_dwords
      PARAM_ERROR_DOE_DWORDS_must_be_4_to_262143 u_stop ();
    end
  endgenerate

  localparam [11:0] REG_HEADER = `CFG_REG_DOE + `DOE_REG_HEADER;
  localparam [11:0] REG_CONTROL = `CFG_REG_DOE + `DOE_REG_CONTROL;
  localparam [11:0] REG_STATUS = `CFG_REG_DOE + `DOE_REG_STATUS;
  localparam [11:0] REG_WRITE = `CFG_REG_DOE + `DOE_REG_WRITE_MAILBOX;
  localparam [11:0] REG_READ = `CFG_REG_DOE + `DOE_REG_READ_MAILBOX;

  reg [COUNT_W-1:0] request_count_q;  // DWs in the write mailbox
  reg [17:0] request_length_q;  // Length field of the object in it
  reg hold_q;  // the object waits to be sent
  reg sending_q;
  reg [COUNT_W-1:0] send_last_q, send_idx_q;
  reg owed_q;  // the other side owes an answer
  reg discard_q;  // ... which nobody waits for
  reg [COUNT_W-1:0] response_count_q;  // DWs of the response so far
  reg ready_q;
  reg [COUNT_W-1:0] read_idx_q;
  reg error_q;
  reg [31:0] timer_q;

  wire busy = hold_q || sending_q || (owed_q && !discard_q);

  // ------------------------------------------------------------------ what the host asks for
  // Mailboxes take whole DWs only. Nothing but Abort is heard after an error.
  wire whole = be == 4'hf;
  wire write_control = write && addr == REG_CONTROL;
  wire abort = flr || (write_control && be[0] && wdata[`DOE_CONTROL_BIT_ABORT]);
  wire go = write_control && be[3] && wdata[`DOE_CONTROL_BIT_GO] && !abort && !error_q;
  wire append = write && addr == REG_WRITE && whole && !error_q;
  wire pop = write && addr == REG_READ && whole && !error_q;
  wire poisoned = poisoned_write && addr >= REG_HEADER && addr <= REG_READ;

  // ------------------------------------------------------------------ what comes back
  assign s_axis_doe_tready = 1'b1;
  wire beat = s_axis_doe_tvalid && owed_q;
  wire store = beat && !discard_q;
  wire answered = owed_q && (doe_rsp_none || (beat && s_axis_doe_tlast));
  wire too_long = store && response_count_q == CAPACITY;
  wire timed_out = busy && timer_q == LAST_CYCLE;

  wire fault = poisoned || (append && (busy || request_count_q == CAPACITY)) || (go && busy) ||
      (pop && !ready_q) || too_long || timed_out;
  wire flush = abort || fault;

  always @(posedge clk) begin
    if (rst || abort) error_q <= 1'b0;
    else if (fault) error_q <= 1'b1;
  end

  always @(posedge clk) begin
    if (rst || !busy || flush) timer_q <= 32'd0;
    else timer_q <= timer_q + 32'd1;
  end

  // ------------------------------------------------------------------ write mailbox
  wire length_ok = request_count_q >= HEADER_DWORDS &&
      {{(32 - COUNT_W) {1'b0}}, request_count_q} == {14'd0, request_length_q};
  wire start = hold_q && !sending_q && !owed_q && !ready_q && !flush;

  always @(posedge clk) begin
    if (rst || flush) begin
      request_count_q <= {COUNT_W{1'b0}};
      hold_q          <= 1'b0;
    end else if (append) begin
      request_count_q <= request_count_q + 1'b1;
    end else if (go) begin
      // An object of another length than it says is discarded silently (DOE-FSM-008).
      hold_q <= length_ok;
      if (!length_ok) request_count_q <= {COUNT_W{1'b0}};
    end else if (start) begin
      hold_q          <= 1'b0;
      request_count_q <= {COUNT_W{1'b0}};
    end
    if (append && request_count_q == {{(COUNT_W - 1) {1'b0}}, 1'b1}) begin
      request_length_q <= wdata[17:0];
    end
  end

  // ------------------------------------------------------------------ sending
  wire sent = sending_q && m_axis_doe_tready;
  wire [COUNT_W-1:0] send_idx_d = start ? {COUNT_W{1'b0}} :
      send_idx_q + {{(COUNT_W - 1) {1'b0}}, sent};

  always @(posedge clk) begin
    if (rst) sending_q <= 1'b0;
    else if (start) sending_q <= 1'b1;
    else if (sent && m_axis_doe_tlast) sending_q <= 1'b0;
    send_idx_q <= send_idx_d;
    if (start) send_last_q <= request_count_q - 1'b1;
  end

  assign m_axis_doe_tvalid = sending_q;
  assign m_axis_doe_tlast  = send_idx_q == send_last_q;

  doe_ram #(
      .DWORDS (DOE_DWORDS),
      .INDEX_W(INDEX_W)
  ) u_request (
      .clk       (clk),
      .write     (append && !busy),
      .write_idx (request_count_q[INDEX_W-1:0]),
      .write_data(wdata),
      .read_idx  (send_idx_d[INDEX_W-1:0]),
      .read_data (m_axis_doe_tdata)
  );

  // ------------------------------------------------------------------ answer
  always @(posedge clk) begin
    if (rst) begin
      owed_q    <= 1'b0;
      discard_q <= 1'b0;
    end else begin
      if (start) owed_q <= 1'b1;
      else if (answered) owed_q <= 1'b0;
      if (start || answered) discard_q <= 1'b0;
      else if (flush) discard_q <= owed_q;
    end
  end

  always @(posedge clk) begin
    if (start) response_count_q <= {COUNT_W{1'b0}};
    else if (store && !too_long) response_count_q <= response_count_q + 1'b1;
  end

  // ------------------------------------------------------------------ read mailbox
  wire pop_last = read_idx_q + 1'b1 == response_count_q;

  always @(posedge clk) begin
    if (rst || flush) ready_q <= 1'b0;
    else if (store && s_axis_doe_tlast) ready_q <= 1'b1;
    else if (pop && pop_last) ready_q <= 1'b0;
    if (start) read_idx_q <= {COUNT_W{1'b0}};
    else if (pop && ready_q) read_idx_q <= read_idx_q + 1'b1;
  end

  wire [31:0] response_dword;

  doe_ram #(
      .DWORDS (DOE_DWORDS),
      .INDEX_W(INDEX_W)
  ) u_response (
      .clk       (clk),
      .write     (store && !too_long),
      .write_idx (response_count_q[INDEX_W-1:0]),
      .write_data(s_axis_doe_tdata),
      .read_idx  (read_idx_q[INDEX_W-1:0]),
      .read_data (response_dword)
  );

  // ------------------------------------------------------------------ registers
  reg [31:0] status;
  always @* begin
    status                                    = 32'd0;
    status[`DOE_STATUS_BIT_BUSY]              = busy;
    status[`DOE_STATUS_BIT_ERROR]             = error_q;
    status[`DOE_STATUS_BIT_DATA_OBJECT_READY] = ready_q;
  end

  always @* begin
    case (addr)
      REG_HEADER: rdata = {NEXT, VERSION, `PCIE_ECAP_DOE};
      REG_STATUS: rdata = status;
      REG_READ: rdata = ready_q ? response_dword : 32'd0;
      default: rdata = 32'd0;  // capabilities, control and write mailbox read 0
    endcase
  end

endmodule

`default_nettype wire
