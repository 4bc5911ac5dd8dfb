//! The CPU time inside signatures, counted for the whole process: hence one test alone in its process.

use portvakt_crypto::signing::{
    EcKey, RsaKey, Signer, measure_signatures, signature_count, signature_cpu_nanos,
};

#[test]
fn signatures_are_counted_on_every_thread_and_only_while_measuring() {
    let (rsa, ec) = (RsaKey::generate().unwrap(), EcKey::generate().unwrap());
    let sign = || {
        std::thread::scope(|threads| {
            threads.spawn(|| rsa.sign(b"x").unwrap());
            threads.spawn(|| ec.sign(b"x").unwrap());
        });
    };
    sign();
    assert_eq!((signature_count(), signature_cpu_nanos()), (0, 0), "off at start");

    measure_signatures(true);
    sign();
    assert_eq!(signature_count(), 2);
    let spent = signature_cpu_nanos();
    // An RSA-2048 signature takes between 0.1 and 50 ms on any machine this runs on.
    assert!((100_000..50_000_000).contains(&spent), "{spent} ns");

    measure_signatures(false);
    sign();
    assert_eq!((signature_count(), signature_cpu_nanos()), (2, spent), "off again");
}
