#!/bin/sh
# Compiles and instantiates large modules from package registries, with stubs for their imports, and prints the times.
#
#   benches/real.sh [FILE.wasm...]
#
# Without files it takes sql.js, esbuild and Ruby from npm into target/real; what cannot be had is skipped by name.
set -eu
cd "$(dirname "$0")/.."
work=target/real
mkdir -p "$work"

cargo build --release --lib
ln -sf libwasm.so target/release/libwasm.so.0
${CC:-cc} -std=gnu11 -O2 -Wall -Wextra -I include benches/load.c -o "$work/load" \
  -L target/release -lwasm -Wl,-rpath,"$PWD/target/release"

package() { # NAME FILE: the path of a file in a package of npm, once it is there
  dir=$work/$(echo "$1" | tr -d '@/')
  if [ ! -e "$dir/$2" ]; then
    mkdir -p "$dir"
    (cd "$dir" && npm pack --silent "$1" >/dev/null && tar xzf ./*.tgz) || true
  fi
  if [ -e "$dir/$2" ]; then echo "$dir/$2"; else echo "real.sh: SKIPPED $1: npm could not get it" >&2; fi
}

if [ $# -eq 0 ]; then
  set -- $(package sql.js package/dist/sql-wasm.wasm) $(package esbuild-wasm package/esbuild.wasm) \
    $(package @ruby/3.4-wasm-wasi package/dist/ruby.wasm)
fi
exec "$work/load" "$@"
