#!/bin/sh
# Times our kernels under libwasm and under wasmtime's library, both through the same C driver.
#
#   benches/compare.sh [driver's options, for example -r 31 or -c big.wasm]
#
# The peer comes as a Python wheel; where it cannot be had, this says so and times libwasm alone.
# LIBWASM names another library than target/release/libwasm.so, KERNELS other kernels than all.
set -eu
cd "$(dirname "$0")/.."
peer_version=50.0.1
work=target/compare
mkdir -p "$work"

libwasm=${LIBWASM:-target/release/libwasm.so}
if [ -z "${LIBWASM:-}" ]; then
  cargo build --release --lib
fi
if [ ! -e "$libwasm" ]; then
  echo "compare.sh: there is no $libwasm" >&2
  exit 1
fi

peer() { find "$work/wasmtime-$peer_version" -name '_libwasmtime.so' 2>/dev/null | head -n 1; }
if [ -z "$(peer)" ]; then
  python3 -m pip install --quiet --disable-pip-version-check --no-deps \
    --target "$work/wasmtime-$peer_version" "wasmtime==$peer_version" || true
fi
if [ -z "$(peer)" ]; then
  echo "compare.sh: SKIPPED the comparison: no wheel of wasmtime $peer_version from pip; timing libwasm alone" >&2
fi

${CC:-cc} -std=gnu11 -O2 -Wall -Wextra -I include benches/driver.c -o "$work/driver" -ldl -lm
# shellcheck disable=SC2046,SC2086
exec "$work/driver" "$@" "$libwasm" $(peer) -- ${KERNELS:-benches/kernels/*.wat}
