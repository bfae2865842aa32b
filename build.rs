//! Gives the shared library its soname: the name that programs linked with it look for when they start.
//!
//! The number changes when a program that was linked before would no longer run. A Rust cdylib has none by default. A link
//! of that name is put beside the library, so that programs linked with it run from the target directory.

use std::path::Path;

const SONAME: &str = "libwasm.so.0";

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,{SONAME}");
    // OUT_DIR is PROFILE/build/PACKAGE/out; `cargo build` puts the library into PROFILE, tests use the one in PROFILE/deps.
    let out = std::env::var_os("OUT_DIR").unwrap_or_default();
    if let Some(profile) = Path::new(&out).ancestors().nth(3) {
        link_beside(profile);
        link_beside(&profile.join("deps"));
    }
}

/// Programs that are not run from the target directory do not need the link, so failing to make it is no error.
fn link_beside(directory: &Path) {
    #[cfg(unix)]
    if let Err(error) = std::os::unix::fs::symlink("libwasm.so", directory.join(SONAME))
        && error.kind() != std::io::ErrorKind::AlreadyExists
    {
        println!("cargo:warning=no {SONAME} in {}: {error}", directory.display());
    }
}
