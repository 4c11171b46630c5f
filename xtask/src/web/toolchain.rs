//! The compiler for WebAssembly: that of rustup with its target installed, or that of Debian, which compiles the standard library.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::Command,
};

use super::{target, workspace};

const TARGET: &str = "wasm32-unknown-unknown";

const MISSING: &str = "\
There is no compiler for WebAssembly. With rustup:

    rustup target add wasm32-unknown-unknown

With the packages of Debian or Ubuntu:

    apt-get install rustc-web rust-web-src lld-19";

/// A compiler for WebAssembly.
pub(super) enum Compiler {
    /// The usual compiler, with the target.
    Installed,
    /// The compiler of the package `rustc-web`, with this linker.
    Debian { linker: PathBuf },
}

impl Compiler {
    /// Finds a compiler.
    ///
    /// # Errors
    ///
    /// What is missing, and how to install it.
    pub(super) fn find() -> Result<Self, String> {
        let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let output = Command::new(rustc)
            .args(["--print", "target-libdir", "--target", TARGET])
            .output()
            .map_err(|error| format!("cannot run rustc: {error}"))?;
        let folder = String::from_utf8_lossy(&output.stdout);
        if output.status.success() && Path::new(folder.trim()).is_dir() {
            return Ok(Self::Installed);
        }
        let has_sources = Command::new("dpkg-query")
            .args(["--show", "rustc-web", "rust-web-src"])
            .output()
            .is_ok_and(|output| output.status.success());
        let linker = (14..=30)
            .rev()
            .map(|version| PathBuf::from(format!("/usr/bin/wasm-ld-{version}")))
            .find(|linker| linker.exists());
        match linker {
            Some(linker) if has_sources => Ok(Self::Debian { linker }),
            _ => Err(MISSING.to_owned()),
        }
    }

    /// A call of cargo that uses the compiler.
    pub(super) fn cargo(&self) -> Command {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
        let mut command = Command::new(cargo);
        command.current_dir(workspace());
        if let Self::Debian { linker } = self {
            command
                .env("RUSTC", "/usr/bin/rustc")
                .env("RUSTC_BOOTSTRAP", "1")
                .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
        }
        command
    }

    /// Compiles the crate, and returns the path of the module.
    pub(super) fn compile(&self) -> Result<PathBuf, String> {
        let mut command = self.cargo();
        command
            .args([
                "build",
                "--quiet",
                "--profile",
                "wasm",
                "--package",
                "skype-p2p-web",
            ])
            .args(["--lib", "--target", TARGET, "--target-dir"])
            .arg(target());
        if let Self::Debian { .. } = self {
            command.arg("-Zbuild-std=std,panic_abort");
        }
        let status = command
            .status()
            .map_err(|error| format!("cannot run cargo: {error}"))?;
        if !status.success() {
            return Err("the crate skype-p2p-web was not compiled".to_owned());
        }
        Ok(target().join(TARGET).join("wasm/skype_p2p_web.wasm"))
    }
}
