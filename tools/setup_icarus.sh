# SPDX-License-Identifier: Apache-2.0
# Install Icarus Verilog with the system's package manager, or say how.

if command -v iverilog > /dev/null; then
  echo "Icarus Verilog is installed: $(iverilog -V 2> /dev/null | head -n 1)"
  exit 0
fi
command="apt-get install -y iverilog"
if ! command -v apt-get > /dev/null; then
  echo "Install Icarus Verilog 11 or newer with your package manager, for example: brew install icarus-verilog"
  exit 1
fi
if [ "$(id -u)" -ne 0 ]; then
  echo "Run: sudo $command"
  exit 1
fi
apt-get update -qq && $command
