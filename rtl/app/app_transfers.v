// SPDX-License-Identifier: Apache-2.0
//
// app_transfers: the transfer of each function and which of them may send next.
//
// A transfer ends when nothing of it is left to send and no wanted read is out, or at once when its
// function is stopped, aborted or changes state. It fails when it was programmed wrongly, when a
// request was not admitted or a read failed, and when the function may not send. A flip-flop for
// each thing that one event may change in all functions at once, a RAM for how far each has come.

`default_nettype none
`include "tdisp_defs.vh"
`include "app_defs.vh"

module app_transfers #(
    parameter NUM_TDI = 4,
    parameter TDI_W   = 2
) (
    input wire clk,
    input wire rst,

    input wire [NUM_TDI-1:0] may_send,  // state and Bus Master Enable
    input wire [NUM_TDI-1:0] kill,      // end at once
    input wire [NUM_TDI-1:0] hold,      // send nothing new, and go on later

    // From the registers
    input  wire               start_req,
    input  wire [  TDI_W-1:0] start_tdi,
    input  wire               start_to_host,
    input  wire               start_interrupt,
    input  wire [        2:0] start_attr,
    input  wire [        1:0] start_atomic,
    input  wire               start_translate,
    input  wire [        2:0] start_hint,
    input  wire               start_pasid,
    input  wire [       31:0] length,           // from the next cycle on
    input  wire [       63:0] host_address,
    input  wire [       31:0] device_address,
    input  wire [        1:0] vector,
    input  wire [       19:0] pasid,
    output wire [NUM_TDI-1:0] busy,
    output wire [NUM_TDI-1:0] done_req,
    output wire [NUM_TDI-1:0] error_req,
    output wire [NUM_TDI-1:0] event_req,        // raise the vector of the function
    output wire [NUM_TDI-1:0] event_vector_1,   // its bit 1
    output wire [NUM_TDI-1:0] event_vector_0,

    // Clearing
    input wire             sweep_step,
    input wire [TDI_W-1:0] sweep_tdi,

    // Translations
    input  wire [NUM_TDI-1:0] ats_enable,
    input  wire               pasid_enable,
    input  wire [NUM_TDI-1:0] translated,        // there is a translation
    input  wire [NUM_TDI-1:0] asking,            // one is awaited
    input  wire [NUM_TDI-1:0] invalidating,      // none may be used or asked for
    output wire [NUM_TDI-1:0] translates,        // the transfer uses translated addresses
    output wire [NUM_TDI-1:0] want_translation,
    output wire [NUM_TDI-1:0] writes,            // the transfer writes to the host
    output wire [NUM_TDI-1:0] other_space,       // pulse: one begins in another address space

    // Reads
    input wire [NUM_TDI-1:0] may_read,
    input wire [NUM_TDI-1:0] waiting,
    input wire [NUM_TDI-1:0] fail_req,

    // Sender: functions that have something to send, and what the TLP took from one of them
    output wire [NUM_TDI-1:0] want_write,
    output wire [NUM_TDI-1:0] want_read,
    input  wire [NUM_TDI-1:0] sending,        // a TLP of the function is in work
    input  wire               select_req,
    input  wire [  TDI_W-1:0] select,
    output wire [       63:2] select_host,    // one cycle after select_req, to the next one
    output wire [        9:0] select_dw,
    output wire [       10:0] select_left,
    output wire [        2:0] select_attr,
    output wire [        1:0] select_atomic,
    output wire [       20:0] select_pasid,   // valid, and the PASID
    output wire [        2:0] select_hint,    // valid, and the Processing Hint
    input  wire               sent_req,       // sent_count DWs of `select` have left
    input  wire [       10:0] sent_count
);

  localparam [31:0] MEMORY_BYTES = `APP_MEMORY_BYTES;
  localparam [NUM_TDI-1:0] ONE = 1;
  localparam [NUM_TDI-1:0] NONE = {NUM_TDI{1'b0}};
  localparam PLACE_W = 112;
  localparam [12:0] PAGE_BYTES = 13'h1000;
  localparam [1:0] ATOMIC_NONE = 2'd0;
  localparam [1:0] ATOMIC_CAS = 2'd3;

  reg [NUM_TDI-1:0] busy_q, fail_q, to_host_q, interrupt_q, vector_1_q, vector_0_q;
  reg [NUM_TDI-1:0] translate_q, with_pasid_q;
  reg [NUM_TDI-1:0] left_q;  // something is left to send

  // ------------------------------------------------------------------ start
  // The function is busy from the next cycle on; its program comes from the RAM meanwhile.
  reg load_q;
  reg [TDI_W-1:0] load_tdi_q;
  reg [2:0] load_attr_q;
  reg [1:0] load_atomic_q;
  reg load_with_pasid_q;
  reg [2:0] load_hint_q;

  wire [NUM_TDI-1:0] started = start_req ? ONE << start_tdi : NONE;
  wire [NUM_TDI-1:0] start = started & ~busy_q & ~kill;
  wire [NUM_TDI-1:0] loading = load_q ? ONE << load_tdi_q : NONE;
  wire load = load_q && !sent_req;
  wire sends = start_to_host && start_atomic == ATOMIC_NONE;

  // An AtomicOp sends one or two operands and gets one back.
  wire atomic = load_atomic_q != ATOMIC_NONE;
  wire two_operands = load_atomic_q == ATOMIC_CAS;
  wire [31:0] taken = two_operands ? {length[30:0], 1'b0} : length;
  wire sized = length[1:0] == 2'd0 && length != 32'd0 && length <= (atomic ? 32'd8 : MEMORY_BYTES);
  wire aligned = !atomic || (!(length[3] && host_address[2]) &&
      {1'b0, host_address[11:0]} + taken[12:0] <= PAGE_BYTES);
  wire legal = sized && aligned && device_address < MEMORY_BYTES &&
      device_address + taken <= MEMORY_BYTES;

  always @(posedge clk) begin
    if (rst) load_q <= 1'b0;
    else if (start != NONE) load_q <= 1'b1;
    else if (load) load_q <= 1'b0;
    if (start != NONE) begin
      load_tdi_q        <= start_tdi;
      load_attr_q       <= start_attr;
      load_atomic_q     <= start_atomic;
      load_with_pasid_q <= start_pasid;
      load_hint_q       <= start_hint;
    end
  end

  // ------------------------------------------------------------------ how far each has come
  wire clear = sweep_step && !sent_req && !load_q;  // a sweep has more steps than this waits
  wire [PLACE_W-1:0] place;
  wire [63:2] next_host = select_host + {51'd0, sent_count};
  wire [9:0] next_dw = select_dw + sent_count[9:0];
  wire [10:0] next_left = select_left - sent_count;
  wire [PLACE_W-1:0] loaded = {
    load_hint_q,
    load_with_pasid_q,
    pasid & {20{load_with_pasid_q}},
    load_atomic_q,
    load_attr_q,
    host_address[63:2],
    device_address[11:2],
    length[12:2]
  };

  app_ram #(
      .WIDTH (PLACE_W),
      .WORDS (NUM_TDI),
      .ADDR_W(TDI_W)
  ) u_place (
      .clk(clk),
      .write_be({PLACE_W / 8{sent_req || load || clear}}),
      .write_addr(sent_req ? select : load_q ? load_tdi_q : sweep_tdi),
      .write_data(sent_req ? {place[PLACE_W-1:83], next_host, next_dw, next_left} :
                  load_q ? loaded :
                  {PLACE_W{1'b0}}),
      .read_req(select_req),
      .read_addr(select),
      .read_data(place)
  );

  assign {
    select_hint, select_pasid, select_atomic, select_attr, select_host, select_dw, select_left
  } = place;

  // ------------------------------------------------------------------ life of a transfer
  wire [NUM_TDI-1:0] finish = busy_q & ~kill & ~left_q & ~waiting & ~sending & ~loading;
  wire [NUM_TDI-1:0] abort = busy_q & kill;
  wire [NUM_TDI-1:0] without_pasid = with_pasid_q & {NUM_TDI{!pasid_enable}};
  wire [NUM_TDI-1:0] fail = fail_req | ~may_send | (translate_q & ~ats_enable) | without_pasid;
  wire [NUM_TDI-1:0] sent_all = sent_req && next_left == 11'd0 ? ONE << select : NONE;

  always @(posedge clk) begin
    if (rst) busy_q <= NONE;
    else busy_q <= (busy_q & ~finish & ~abort) | start;

    fail_q       <= (fail_q | (busy_q & fail & (left_q | waiting | loading))) & ~start;
    left_q       <= left_q & ~fail & ~fail_q & ~sent_all & ~start;
    to_host_q    <= (to_host_q & ~start) | (sends ? start : NONE);
    translate_q  <= (translate_q & ~start) | (start_translate ? start : NONE);
    with_pasid_q <= (with_pasid_q & ~start) | (start_pasid ? start : NONE);
    interrupt_q  <= (interrupt_q & ~start) | (start_interrupt ? start : NONE);
    if (load) begin
      left_q[load_tdi_q]     <= legal;
      vector_1_q[load_tdi_q] <= vector[1];
      vector_0_q[load_tdi_q] <= vector[0];
      if (!legal) fail_q[load_tdi_q] <= 1'b1;
    end
  end

  wire [NUM_TDI-1:0] want = busy_q & ~fail_q & left_q & may_send & ~kill & ~hold & ~without_pasid &
      (~translate_q | (ats_enable & ~invalidating));
  wire [NUM_TDI-1:0] want_data = want & (~translate_q | translated);

  assign busy             = busy_q;
  assign done_req         = finish | abort;
  assign error_req        = abort | (finish & fail_q);
  assign event_req        = finish & interrupt_q;
  assign event_vector_1   = vector_1_q;
  assign event_vector_0   = vector_0_q;
  assign translates       = translate_q;
  assign writes           = to_host_q;
  assign other_space      = start & (with_pasid_q | {NUM_TDI{start_pasid}});
  assign want_translation = want & translate_q & ~translated & ~asking;
  assign want_write       = want_data & to_host_q;
  assign want_read        = ((want_data & ~to_host_q) | want_translation) & may_read;

  wire unused = &{1'b0, host_address[1:0]};

endmodule

`default_nettype wire
