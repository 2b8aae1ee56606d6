// SPDX-License-Identifier: Apache-2.0
//
// tlp_route: sends each received TLP to who serves it, or refuses it.
//
// Three register stages: the TLP, the TLP with what its header says, the TLP with its destination.
// The destination is decided when the first beat enters the last stage, from the TDI state of that
// cycle, and holds for the whole TLP. A refused non-posted request is answered with Unsupported
// Request on the stream and with the T of the request, a refused posted one disappears
// (TDISP-MMIO-006, 007). A message for a function that exists goes to function_messages, whatever its
// T and the state of the TDI (TDISP-ATS-003). Errors of ordinary receive processing come before
// admission (TDISP-MMIO-009): a poisoned write or message never has an effect, and only a write that
// would have been served is reported as poisoned to its TDI.

`default_nettype none
`include "pcie_defs.vh"

module tlp_route #(
    parameter DATA_W          = 128,
    parameter NUM_TDI         = 4,
    parameter TDI_W           = 2,
    parameter NUM_IDE_STREAMS = 2,
    parameter STREAM_W        = 1,
    parameter PRI_EN          = 0,    // functions take PRG Responses
    parameter SDI_EN          = 0     // all TDIs have the Requester ID of the physical function
) (
    input wire clk,
    input wire rst,

    // Configuration
    input wire [                  15:0] pf_rid,
    input wire [           NUM_TDI-1:0] tdi_present,
    input wire [           NUM_TDI-1:0] tdi_mse,
    input wire [                  63:0] pf_bar0,
    input wire [                  63:0] pf_bar2,
    input wire [                  63:0] vf_bar0,
    input wire [                  63:0] vf_bar2,
    input wire                          rom_enable,
    input wire [                  31:0] rom_base,
    input wire [   NUM_IDE_STREAMS-1:0] ide_default,
    input wire [16*NUM_IDE_STREAMS-1:0] ide_rid_base,
    input wire [16*NUM_IDE_STREAMS-1:0] ide_rid_limit,

    // TDIs
    input wire [2*NUM_TDI-1:0] tdi_state,
    input wire [STREAM_W*NUM_TDI-1:0] tdi_stream,
    input wire [NUM_TDI-1:0] tdi_msix_locked,
    input wire [NUM_IDE_STREAMS*NUM_TDI-1:0] tdi_p2p,  // P2P streams bound to TDI n
    input wire [NUM_TDI-1:0] tdi_memory_open,  // SET_MMIO_ATTRIBUTE has opened the memory
    input wire [NUM_TDI-1:0] tdi_scrub_busy,

    // Received TLPs
    input  wire [        127:0] rx_hdr,
    input  wire [   DATA_W-1:0] rx_tdata,
    input  wire [DATA_W/32-1:0] rx_tkeep,
    input  wire                 rx_tvalid,
    output wire                 rx_tready,
    input  wire                 rx_tlast,
    input  wire                 rx_ide,
    input  wire                 rx_t,
    input  wire [ STREAM_W-1:0] rx_stream,

    // Configuration requests
    output wire [        127:0] cfgreq_hdr,
    output wire [   DATA_W-1:0] cfgreq_tdata,
    output wire [DATA_W/32-1:0] cfgreq_tkeep,
    output wire                 cfgreq_tvalid,
    input  wire                 cfgreq_tready,
    output wire                 cfgreq_tlast,
    output wire                 cfgreq_ide,
    output wire                 cfgreq_t,
    output wire [ STREAM_W-1:0] cfgreq_stream,

    // Admitted memory requests
    output wire [        127:0] mmio_hdr,
    output wire [   DATA_W-1:0] mmio_tdata,
    output wire [DATA_W/32-1:0] mmio_tkeep,
    output wire                 mmio_tvalid,
    input  wire                 mmio_tready,
    output wire                 mmio_tlast,
    output wire                 mmio_ide,
    output wire                 mmio_t,
    output wire [ STREAM_W-1:0] mmio_stream,
    output wire [    TDI_W-1:0] mmio_tdi,
    output wire                 mmio_bar,     // 0: BAR0, 1: BAR2
    output wire [         16:0] mmio_offset,  // of the first DW

    // Completions
    output wire [        127:0] cplin_hdr,
    output wire [   DATA_W-1:0] cplin_tdata,
    output wire [DATA_W/32-1:0] cplin_tkeep,
    output wire                 cplin_tvalid,
    input  wire                 cplin_tready,
    output wire                 cplin_tlast,
    output wire                 cplin_ide,
    output wire                 cplin_t,
    output wire [ STREAM_W-1:0] cplin_stream,

    // Messages for function msgin_tdi
    output wire [       127:0] msgin_hdr,
    output wire                msgin_tvalid,
    input  wire                msgin_tready,
    output wire                msgin_tlast,
    output wire                msgin_ide,
    output wire                msgin_t,
    output wire [STREAM_W-1:0] msgin_stream,
    output wire [   TDI_W-1:0] msgin_tdi,

    // Completions of refused requests
    output wire [       127:0] errcpl_hdr,
    output wire                errcpl_tvalid,
    input  wire                errcpl_tready,
    output wire                errcpl_ide,
    output wire                errcpl_t,
    output wire [STREAM_W-1:0] errcpl_stream,

    // Errors, one-cycle pulses
    output reg [NUM_TDI-1:0] poison_event,
    output reg               aer_unsupported,
    output reg               aer_poisoned
);

  localparam KEEP_W = DATA_W / 32;
  localparam WIDTH = 128 + DATA_W + KEEP_W + 1 + 2 + STREAM_W;
  localparam [31:0] FUNCTIONS = SDI_EN != 0 ? 1 : NUM_TDI;  // that have a Requester ID
  localparam [31:0] BLOCKS = NUM_IDE_STREAMS;
  localparam [STREAM_W:0] STREAMS = BLOCKS[STREAM_W:0];

  // ------------------------------------------------------------------ first stage: the TLP
  wire [127:0] a_hdr;
  wire [DATA_W-1:0] a_tdata;
  wire [KEEP_W-1:0] a_tkeep;
  wire [STREAM_W-1:0] a_stream;
  wire a_valid, a_ready, a_tlast, a_ide, a_t;

  skid_buffer #(
      .W(WIDTH)
  ) u_in (
      .clk    (clk),
      .rst    (rst),
      .s_data ({rx_hdr, rx_tdata, rx_tkeep, rx_tlast, rx_ide, rx_t, rx_stream}),
      .s_valid(rx_tvalid),
      .s_ready(rx_tready),
      .m_data ({a_hdr, a_tdata, a_tkeep, a_tlast, a_ide, a_t, a_stream}),
      .m_valid(a_valid),
      .m_ready(a_ready)
  );

  wire a_config, a_read, a_write, a_completion, a_message, a_message_known, a_refused_np, a_unknown;
  wire a_for_function;
  wire a_poisoned, a_hit, a_bar, a_memory, a_rom;
  wire [63:0] a_address;
  wire [10:0] a_dw_count;
  wire [7:0] a_cpl_type;
  wire [11:0] a_byte_count;
  wire [6:0] a_lower_address;
  wire [TDI_W-1:0] a_tdi;
  wire [16:0] a_offset;
  wire [1:0] a_class;

  tlp_classify #(
      .PRI_EN(PRI_EN)
  ) u_classify (
      .hdr              (a_hdr),
      .config_request   (a_config),
      .memory_read      (a_read),
      .memory_write     (a_write),
      .completion       (a_completion),
      .message          (a_message),
      .message_known    (a_message_known),
      .for_function     (a_for_function),
      .refused_np       (a_refused_np),
      .unknown          (a_unknown),
      .poisoned         (a_poisoned),
      .address          (a_address),
      .dw_count         (a_dw_count),
      .cpl_type         (a_cpl_type),
      .cpl_byte_count   (a_byte_count),
      .cpl_lower_address(a_lower_address)
  );

  bar_decode #(
      .NUM_TDI(NUM_TDI),
      .TDI_W  (TDI_W)
  ) u_bar_decode (
      .tdi_present(tdi_present),
      .tdi_mse    (tdi_mse),
      .pf_bar0    (pf_bar0),
      .pf_bar2    (pf_bar2),
      .vf_bar0    (vf_bar0),
      .vf_bar2    (vf_bar2),
      .rom_enable (rom_enable),
      .rom_base   (rom_base),
      .address    (a_address),
      .hit        (a_hit),
      .tdi        (a_tdi),
      .bar        (a_bar),
      .offset     (a_offset),
      .range_class(a_class),
      .rom        (a_rom),
      .memory     (a_memory)
  );

  // Function that a message routed by ID is for
  wire [15:0] a_target = a_hdr[63:48] - pf_rid;
  wire a_target_exists = a_target < FUNCTIONS[15:0] && tdi_present[a_target[TDI_W-1:0]];

  // Requester or Completer ID, the same place in both headers. The default stream takes any.
  wire [15:0] a_sender = a_hdr[95:80];
  wire a_stream_exists = {1'b0, a_stream} < STREAMS;
  wire a_rid_ok = !a_ide || (a_stream_exists && (ide_default[a_stream] ||
      (a_sender >= ide_rid_base[16*a_stream+:16] && a_sender <= ide_rid_limit[16*a_stream+:16])));
  // All classes are whole pages, so one page is one class.
  wire a_one_class = {1'b0, a_address[11:2]} + a_dw_count <= 11'd1024;

  // ------------------------------------------------------------------ second stage: its meaning
  reg b_valid_q;
  reg [WIDTH-1:0] b_tlp_q;
  reg b_first_q;  // the next beat that enters is a first one
  reg b_start_q;  // this beat is a first one
  reg b_config_q, b_read_q, b_write_q, b_completion_q, b_message_q, b_message_known_q;
  reg b_for_function_q;
  reg [TDI_W-1:0] b_target_q;
  reg b_refused_np_q, b_unknown_q, b_poisoned_q, b_hit_q, b_bar_q, b_memory_q, b_rom_q;
  reg b_rid_ok_q, b_one_class_q;
  reg [TDI_W-1:0] b_tdi_q;
  reg [16:0] b_offset_q;
  reg [1:0] b_class_q;
  reg [7:0] b_cpl_type_q;
  reg [11:0] b_byte_count_q;
  reg [6:0] b_lower_address_q;
  wire b_ready;

  assign a_ready = !b_valid_q || b_ready;

  always @(posedge clk) begin
    if (rst) begin
      b_valid_q <= 1'b0;
      b_first_q <= 1'b1;
    end else if (a_ready) begin
      b_valid_q <= a_valid;
      if (a_valid) b_first_q <= a_tlast;
    end
    if (a_ready) begin
      b_tlp_q           <= {a_hdr, a_tdata, a_tkeep, a_tlast, a_ide, a_t, a_stream};
      b_start_q         <= b_first_q;
      b_config_q        <= a_config;
      b_read_q          <= a_read;
      b_write_q         <= a_write;
      b_completion_q    <= a_completion;
      b_message_q       <= a_message;
      b_message_known_q <= a_message_known;
      b_for_function_q  <= a_for_function && a_target_exists;
      b_target_q        <= a_target[TDI_W-1:0];
      b_refused_np_q    <= a_refused_np;
      b_unknown_q       <= a_unknown;
      b_poisoned_q      <= a_poisoned;
      b_hit_q           <= a_hit;
      b_bar_q           <= a_bar;
      b_memory_q        <= a_memory;
      b_rom_q           <= a_rom && a_hit;
      b_rid_ok_q        <= a_rid_ok;
      b_one_class_q     <= a_one_class;
      b_tdi_q           <= a_tdi;
      b_offset_q        <= a_offset;
      b_class_q         <= a_class;
      b_cpl_type_q      <= a_cpl_type;
      b_byte_count_q    <= a_byte_count;
      b_lower_address_q <= a_lower_address;
    end
  end

  wire [127:0] b_hdr;
  wire [DATA_W-1:0] b_tdata;
  wire [KEEP_W-1:0] b_tkeep;
  wire b_tlast, b_ide, b_t;
  wire [STREAM_W-1:0] b_stream;
  assign {b_hdr, b_tdata, b_tkeep, b_tlast, b_ide, b_t, b_stream} = b_tlp_q;

  // ------------------------------------------------------------------ decision
  // Hamming distance of at least 3: no flipped bit turns a refusal into an admission, and what is
  // no code goes to nobody.
  localparam [5:0] TO_NOBODY = 6'b000111;
  localparam [5:0] TO_CFG = 6'b011001;
  localparam [5:0] TO_MMIO = 6'b101010;
  localparam [5:0] TO_CPL = 6'b110100;
  localparam [5:0] TO_ERR = 6'b111111;
  localparam [5:0] TO_MSG = 6'b001100;

  wire admit;
  // A peer comes by a stream that BIND_P2P_STREAM has bound, which serves it like the default one.
  wire default_bound = b_stream == tdi_stream[STREAM_W*b_tdi_q+:STREAM_W];
  wire [NUM_IDE_STREAMS-1:0] p2p_bound = tdi_p2p[NUM_IDE_STREAMS*b_tdi_q+:NUM_IDE_STREAMS];
  wire peer_bound = {1'b0, b_stream} < STREAMS && p2p_bound[b_stream];
  reg [5:0] c_to_q;
  reg [5:0] decision;
  reg refused, poison_served;

  mmio_filter u_filter (
      .tdi_state(tdi_state[2*b_tdi_q+:2]),
      .msix_locked(tdi_msix_locked[b_tdi_q]),
      .memory_space(b_hit_q),  // a function without Memory Space Enable is never hit
      .scrub_busy(tdi_scrub_busy[b_tdi_q]),
      .range_class(b_class_q),
      .opened(b_memory_q && tdi_memory_open[b_tdi_q]),
      .rom(b_rom_q && b_read_q),
      .one_class(b_one_class_q),
      .ide(b_ide),
      .t(b_t),
      .stream_bound(default_bound || peer_bound),
      .allow(admit)
  );

  always @* begin
    decision      = TO_NOBODY;
    refused       = 1'b0;
    poison_served = 1'b0;
    if (b_completion_q) begin
      decision = TO_CPL;
    end else if (b_message_q) begin
      refused = !(b_message_known_q || b_for_function_q) || !b_rid_ok_q;
      if (b_for_function_q && b_rid_ok_q && !b_poisoned_q) decision = TO_MSG;
    end else if (b_unknown_q) begin
      refused = 1'b1;
    end else if (b_refused_np_q) begin
      decision = TO_ERR;
      refused  = 1'b1;
    end else if (b_config_q) begin
      decision = b_rid_ok_q ? TO_CFG : TO_ERR;  // a poisoned one ends in a DOE Error or UR there
      refused  = !b_rid_ok_q;
    end else if (b_read_q) begin
      decision = b_rid_ok_q && admit ? TO_MMIO : TO_ERR;
      refused  = !(b_rid_ok_q && admit);
    end else if (b_write_q) begin
      decision      = b_rid_ok_q && admit && !b_poisoned_q ? TO_MMIO : TO_NOBODY;
      refused       = !(b_rid_ok_q && admit);
      poison_served = b_rid_ok_q && admit && b_poisoned_q;
    end
  end

  // ------------------------------------------------------------------ third stage: destination
  reg c_valid_q;
  reg [127:0] c_hdr_q;
  reg [DATA_W-1:0] c_tdata_q;
  reg [KEEP_W-1:0] c_tkeep_q;
  reg [TDI_W-1:0] c_target_q;
  reg c_tlast_q, c_ide_q, c_t_q, c_bar_q;
  reg [STREAM_W-1:0] c_stream_q;
  reg [TDI_W-1:0] c_tdi_q;
  reg [16:0] c_offset_q;
  reg [7:0] c_cpl_type_q;
  reg [11:0] c_byte_count_q;
  reg [6:0] c_lower_address_q;
  reg [15:0] c_completer_q;

  reg c_moves;

  always @* begin
    case (c_to_q)
      TO_CFG:  c_moves = cfgreq_tready;
      TO_MMIO: c_moves = mmio_tready;
      TO_CPL:  c_moves = cplin_tready;
      TO_MSG:  c_moves = msgin_tready;
      TO_ERR:  c_moves = errcpl_tready || !c_tlast_q;
      default: c_moves = 1'b1;
    endcase
  end

  assign b_ready = !c_valid_q || c_moves;

  wire start = b_valid_q && b_ready && b_start_q;
  // VF n follows the physical function by n; requests that hit no function are answered by it.
  wire [15:0] completer = b_hit_q ? pf_rid + {{(16 - TDI_W) {1'b0}}, b_tdi_q} : pf_rid;

  always @(posedge clk) begin
    if (rst) c_valid_q <= 1'b0;
    else if (b_ready) c_valid_q <= b_valid_q;
    if (b_ready) begin
      c_hdr_q           <= b_hdr;
      c_tdata_q         <= b_tdata;
      c_tkeep_q         <= b_tkeep;
      c_tlast_q         <= b_tlast;
      c_ide_q           <= b_ide;
      c_t_q             <= b_t;
      c_stream_q        <= b_stream;
      c_bar_q           <= b_bar_q;
      c_target_q        <= b_target_q;
      c_tdi_q           <= b_tdi_q;
      c_offset_q        <= b_offset_q;
      c_cpl_type_q      <= b_cpl_type_q;
      c_byte_count_q    <= b_byte_count_q;
      c_lower_address_q <= b_lower_address_q;
      c_completer_q     <= completer;
      // A Completion from outside the stream's window is unexpected: no request has this bus number
      // (IDE-SEL-004).
      if (b_completion_q && !b_rid_ok_q) c_hdr_q[63:56] <= ~pf_rid[15:8];
    end
    if (start) c_to_q <= decision;
  end

  always @(posedge clk) begin
    if (rst) begin
      poison_event    <= {NUM_TDI{1'b0}};
      aer_unsupported <= 1'b0;
      aer_poisoned    <= 1'b0;
    end else begin
      poison_event <= {NUM_TDI{1'b0}};
      if (start && poison_served) poison_event[b_tdi_q] <= 1'b1;
      aer_unsupported <= start && refused;
      aer_poisoned    <= start && b_poisoned_q;
    end
  end

  // ------------------------------------------------------------------ outputs
  assign cfgreq_hdr = c_hdr_q;
  assign cfgreq_tdata = c_tdata_q;
  assign cfgreq_tkeep = c_tkeep_q;
  assign cfgreq_tvalid = c_valid_q && c_to_q == TO_CFG;
  assign cfgreq_tlast = c_tlast_q;
  assign cfgreq_ide = c_ide_q;
  assign cfgreq_t = c_t_q;
  assign cfgreq_stream = c_stream_q;

  assign mmio_hdr = c_hdr_q;
  assign mmio_tdata = c_tdata_q;
  assign mmio_tkeep = c_tkeep_q;
  assign mmio_tvalid = c_valid_q && c_to_q == TO_MMIO;
  assign mmio_tlast = c_tlast_q;
  assign mmio_ide = c_ide_q;
  assign mmio_t = c_t_q;
  assign mmio_stream = c_stream_q;
  assign mmio_tdi = c_tdi_q;
  assign mmio_bar = c_bar_q;
  assign mmio_offset = c_offset_q;

  assign cplin_hdr = c_hdr_q;
  assign cplin_tdata = c_tdata_q;
  assign cplin_tkeep = c_tkeep_q;
  assign cplin_tvalid = c_valid_q && c_to_q == TO_CPL;
  assign cplin_tlast = c_tlast_q;
  assign cplin_ide = c_ide_q;
  assign cplin_t = c_t_q;
  assign cplin_stream = c_stream_q;

  assign msgin_hdr = c_hdr_q;
  assign msgin_tvalid = c_valid_q && c_to_q == TO_MSG;
  assign msgin_tlast = c_tlast_q;
  assign msgin_ide = c_ide_q;
  assign msgin_t = c_t_q;
  assign msgin_stream = c_stream_q;
  assign msgin_tdi = c_target_q;

  assign errcpl_hdr = {
    c_cpl_type_q,
    c_hdr_q[119:114],
    2'b00,
    2'b00,
    c_hdr_q[109:108],
    2'b00,
    10'd0,
    c_completer_q,
    `PCIE_CPL_UR,
    1'b0,
    c_byte_count_q,
    c_hdr_q[95:72],
    1'b0,
    c_lower_address_q,
    32'd0
  };
  assign errcpl_tvalid = c_valid_q && c_to_q == TO_ERR && c_tlast_q;
  assign errcpl_ide = c_ide_q;
  assign errcpl_t = c_t_q;
  assign errcpl_stream = c_stream_q;

endmodule

`default_nettype wire
