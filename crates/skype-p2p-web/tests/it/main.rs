//! The built package in Node.js.

use std::{env, path::Path, process::Command};

/// The script tests what this crate and the modules in `js` are together, so it needs the package that `cargo xtask web` builds.
#[test]
fn the_package_has_the_shapes_of_the_sdk_and_leaves_the_memory_flat() {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    let package = env::var_os("PACKAGE").map_or_else(|| own.join("../../target/web"), Into::into);
    if !package.join("skype-p2p.js").exists() {
        println!("skipped: there is no package (cargo xtask web)");
        return;
    }
    let output = Command::new("node")
        .args(["--expose-gc", "--test"])
        .arg(own.join("tests/package.test.mjs"))
        .env("PACKAGE", package)
        .output();
    let Ok(output) = output else {
        println!("skipped: Node.js is not installed");
        return;
    };
    let report = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{report}");
}
