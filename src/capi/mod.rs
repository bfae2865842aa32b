//! The `extern "C"` surface, one file for each section of `wasm.h`.
