//! `cargo xtask web`: the package for web pages, in `target/web`.
//!
//! The package has a classic script with the WebAssembly embedded, an ES module with the WebAssembly beside it, TypeScript
//! declarations, and the licences. The steps: `toolchain.rs` finds a compiler for WebAssembly and runs it, `bindings.rs`
//! makes the JavaScript classes of the handles, `order.rs` sorts the functions, and `package.rs` writes the files.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

#[cfg(feature = "web")]
mod bindings;
#[cfg(feature = "web")]
mod licenses;
#[cfg(feature = "web")]
mod order;
#[cfg(feature = "web")]
mod package;
#[cfg(feature = "web")]
mod size;
#[cfg(feature = "web")]
mod toolchain;

/// The folder of the workspace.
pub(crate) fn workspace() -> &'static Path {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().unwrap_or(own)
}

/// The folder of the build results.
pub(crate) fn target() -> PathBuf {
    let folder = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    workspace().join(folder.unwrap_or_else(|| "target".into()))
}

/// Builds the package, and fails if it is larger than it may be. The package is written in any case.
#[cfg(feature = "web")]
pub(crate) fn run() -> ExitCode {
    match build() {
        Ok((report, within_limit)) => {
            print!("{report}");
            match within_limit {
                Ok(()) => ExitCode::SUCCESS,
                Err(exceeded) => {
                    eprint!("{exceeded}");
                    ExitCode::FAILURE
                }
            }
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(feature = "web")]
fn build() -> Result<(String, Result<(), String>), String> {
    let compiler = toolchain::Compiler::find()?;
    let module = compiler.compile()?;
    let sizes = size::by_crate(&module)?;
    let bindings = bindings::generate(&module)?;
    let licenses = licenses::collect(compiler.cargo())?;
    let files = package::write(&target().join("web"), &bindings, &licenses)?;
    Ok(size::report(&files, &sizes))
}

/// Builds this program again with the feature `web`, and runs that.
#[cfg(not(feature = "web"))]
pub(crate) fn run() -> ExitCode {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = std::process::Command::new(cargo)
        .args(["run", "--quiet", "--package", "xtask", "--features", "web"])
        .args(["--", "web"])
        .current_dir(workspace())
        .status();
    match status {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("cannot run cargo: {error}");
            ExitCode::FAILURE
        }
    }
}
