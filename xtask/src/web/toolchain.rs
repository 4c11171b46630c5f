//! The compiler for WebAssembly: that of rustup, or that of Debian. Both compile the standard library, too: for size, and without the
//! texts and places of panics. That makes the package a tenth smaller than with the standard library of the target `wasm32-unknown-unknown`.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::Command,
};

use super::{target, workspace};

const TARGET: &str = "wasm32-unknown-unknown";

/// A compiler for WebAssembly.
pub(super) enum Compiler {
    /// The usual compiler, with the component `rust-src` of rustup.
    Usual,
    /// The compiler of the package `rustc-web`, with this linker.
    Debian { linker: PathBuf },
}

impl Compiler {
    /// Finds a compiler with the sources of its standard library.
    ///
    /// # Errors
    ///
    /// What is missing, and how to install it.
    pub(super) fn find() -> Result<Self, String> {
        if has_sources()? {
            return Ok(Self::Usual);
        }
        let has_packages = Command::new("dpkg-query")
            .args(["--show", "rustc-web", "rust-web-src"])
            .output()
            .is_ok_and(|output| output.status.success());
        let linker = (14..=30)
            .rev()
            .map(|version| PathBuf::from(format!("/usr/bin/wasm-ld-{version}")))
            .find(|linker| linker.exists());
        match linker {
            Some(linker) if has_packages => Ok(Self::Debian { linker }),
            _ => Err(MISSING.to_owned()),
        }
    }

    /// A call of cargo that uses the compiler.
    pub(super) fn cargo(&self) -> Command {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
        let mut command = Command::new(cargo);
        command
            .current_dir(workspace())
            // Compiling the standard library is not stable.
            .env("RUSTC_BOOTSTRAP", "1")
            .env(
                "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS",
                "-Zunstable-options -Cpanic=immediate-abort -Zlocation-detail=none",
            );
        if let Self::Debian { linker } = self {
            command
                .env("RUSTC", "/usr/bin/rustc")
                .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
        }
        command
    }

    /// Compiles the crate, and returns the path of the module.
    pub(super) fn compile(&self) -> Result<PathBuf, String> {
        // In a folder of its own: other compilations of the target would replace the results.
        let folder = target().join(match self {
            Self::Usual => "wasm",
            Self::Debian { .. } => "debian",
        });
        let status = self
            .cargo()
            .args(["build", "--quiet", "--profile", "wasm"])
            .args(["--package", "skype-p2p-web", "--lib", "--target", TARGET])
            .arg("-Zbuild-std=std,panic_abort")
            .arg("-Zbuild-std-features=optimize_for_size")
            .arg("--target-dir")
            .arg(&folder)
            .status()
            .map_err(|error| format!("cannot run cargo: {error}"))?;
        if !status.success() {
            return Err("the crate skype-p2p-web was not compiled".to_owned());
        }
        Ok(folder.join(TARGET).join("wasm/skype_p2p_web.wasm"))
    }
}

const MISSING: &str =
    "There is no compiler for WebAssembly with the sources of its standard library. With rustup:

    rustup component add rust-src

With the packages of Debian or Ubuntu:

    apt-get install rustc-web rust-web-src lld-19";

/// Whether the usual compiler has the sources of its standard library.
fn has_sources() -> Result<bool, String> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc)
        .args(["--print", "sysroot"])
        .output()
        .map_err(|error| format!("cannot run rustc: {error}"))?;
    let folder = String::from_utf8_lossy(&output.stdout);
    let library = Path::new(folder.trim()).join("lib/rustlib/src/rust/library/Cargo.lock");
    Ok(output.status.success() && library.exists())
}
