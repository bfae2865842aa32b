//! Gives the shared library its soname: the name that programs linked with it look for when they start.
//!
//! The number changes when a program that was linked before would no longer run. A Rust cdylib has none by default.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libwasm.so.0");
}
