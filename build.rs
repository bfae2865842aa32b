//! Gives the shared library its soname, keeps it in the process, and gives artifacts their format.
//!
//! The soname is the name that programs linked with the library look for when they start. Its number changes when a program
//! that was linked before would no longer run. A Rust cdylib has none by default. A link of that name is put beside the
//! library, so that programs linked with it run from the target directory.
//!
//! The format of artifacts is a hash of the sources that decide how one is written and read, and what its code does. What that
//! code relies on beyond them has a hash of its own: `src/abi/fingerprint.rs`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

const SONAME: &str = "libwasm.so.0";

/// The folders of the sources that artifacts are made by.
const ARTIFACT_SOURCES: [&str; 4] = ["src/code", "src/compiler", "src/module", "src/types"];

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,{SONAME}");
    // A library that has installed signal and fork handlers cannot be unloaded: `dlclose` leaves it in the process.
    println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
    // OUT_DIR is PROFILE/build/PACKAGE/out; `cargo build` puts the library into PROFILE, tests use the one in PROFILE/deps.
    let out = std::env::var_os("OUT_DIR").unwrap_or_default();
    if let Some(profile) = Path::new(&out).ancestors().nth(3) {
        link_beside(profile);
        link_beside(&profile.join("deps"));
    }
    let mut sources = Vec::new();
    for folder in ARTIFACT_SOURCES {
        println!("cargo:rerun-if-changed={folder}");
        list(Path::new(folder), &mut sources).unwrap_or_else(|error| panic!("{folder}: {error}"));
    }
    println!("cargo:rustc-env=LIBWASM_ARTIFACT_SOURCES={}", ARTIFACT_SOURCES.join(" "));
    println!("cargo:rustc-env=LIBWASM_ARTIFACT_FORMAT={:016x}", hash(sources));
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

/// Adds the Rust sources in `folder` to `found`.
fn list(folder: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            list(&path, found)?;
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
    Ok(())
}

/// The 64-bit FNV-1a hash of files: of their paths, which do not depend on where the package lies, and their contents.
fn hash(mut files: Vec<PathBuf>) -> u64 {
    files.sort();
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for file in files {
        let contents = fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        for &byte in file.as_os_str().as_encoded_bytes().iter().chain(&[0xff]).chain(&contents).chain(&[0xff]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
    hash
}
