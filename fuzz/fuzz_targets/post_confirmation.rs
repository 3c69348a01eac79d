#![no_main]

use fire::events::{Target, send_bytes};

libfuzzer_sys::fuzz_target!(|event: &[u8]| {
    if let Err(why) = send_bytes(Target::named("post-confirmation"), event) {
        panic!("{why:#}");
    }
});
