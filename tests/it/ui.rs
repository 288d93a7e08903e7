//! What the compiler says to misuse.
//!
//! The expected texts are those of the current stable compiler; `TRYBUILD=overwrite` writes them
//! anew.

#[test]
fn errors_are_readable() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/ui/*.rs");
    if cfg!(feature = "macros") {
        cases.compile_fail("tests/ui/macros/*.rs");
    }
    if cfg!(not(feature = "tokio")) {
        cases.compile_fail("tests/ui/without_tokio/*.rs");
    }
    // The compiler lists the spawners that there are.
    if cfg!(all(
        feature = "tokio",
        feature = "smol",
        feature = "async-std",
        feature = "async-executor"
    )) {
        cases.compile_fail("tests/ui/all_backends/*.rs");
    }
}
