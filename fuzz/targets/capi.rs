#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| libwasm_fuzz::capi::run(data));
