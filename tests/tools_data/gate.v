// SPDX-License-Identifier: Apache-2.0
// An AND gate, for the tests of mutations.

module gate (
    input  wire a,
    input  wire b,
    output wire y
);

  wire w = a & b;
  assign y = w;

endmodule
