# SPDX-License-Identifier: Apache-2.0
# One clear line for each thing that the host lacks. Reads PYTHON and SIM.

stop() {
  echo "make: $1" >&2
  exit 1
}

case "$SIM" in
  verilator | icarus) ;;
  *) stop "unknown SIM=$SIM: use SIM=verilator or SIM=icarus" ;;
esac
command -v "$PYTHON" > /dev/null || stop "$PYTHON not found: install Python 3.11 or newer, or set PYTHON="
"$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null ||
  stop "$PYTHON is $("$PYTHON" -V 2>&1 | head -n 1): Python 3.11 or newer is needed, set PYTHON="
command -v g++ > /dev/null || stop "g++ not found: install a C++ compiler (Debian: apt-get install g++)"
command -v perl > /dev/null || stop "perl not found: Verilator needs it (Debian: apt-get install perl)"
if [ "$SIM" = icarus ]; then
  command -v iverilog > /dev/null || stop "iverilog not found: run make setup-icarus"
fi
exit 0
