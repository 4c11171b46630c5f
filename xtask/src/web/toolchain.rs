//! The compiler for WebAssembly: that of rustup with its target installed, or that of Debian, which compiles the standard library.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::Command,
};

use super::{target, workspace};

const TARGET: &str = "wasm32-unknown-unknown";

const RUSTUP: &str = "    rustup target add wasm32-unknown-unknown";

const PACKAGES: &str = "    apt-get install rustc-web rust-web-src lld-19";

/// A compiler for WebAssembly.
pub(super) enum Compiler {
    /// The usual compiler, with the target and its standard library.
    Installed,
    /// The compiler of the package `rustc-web`, with this linker. The standard library is compiled for size, and without the
    /// texts of panics.
    Debian { linker: PathBuf },
}

impl Compiler {
    /// Finds a compiler. The smallest code comes from a compiled standard library.
    ///
    /// # Errors
    ///
    /// What is missing, and how to install it.
    pub(super) fn find(smallest: bool) -> Result<Self, String> {
        if !smallest && is_target_installed()? {
            return Ok(Self::Installed);
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
            _ if smallest => Err(format!(
                "The smallest package needs the packages of Debian or Ubuntu:\n\n{PACKAGES}"
            )),
            _ => Err(format!(
                "There is no compiler for WebAssembly. With rustup:\n\n{RUSTUP}\n\nWith the packages of Debian or Ubuntu:\n\n{PACKAGES}"
            )),
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
                .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker)
                .env(
                    "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS",
                    "-Zunstable-options -Cpanic=immediate-abort",
                );
        }
        command
    }

    /// Compiles the crate, and returns the path of the module.
    pub(super) fn compile(&self) -> Result<PathBuf, String> {
        let mut command = self.cargo();
        let mut folder = target();
        command
            .args(["build", "--quiet", "--profile", "wasm"])
            .args(["--package", "skype-p2p-web", "--lib", "--target", TARGET]);
        if let Self::Debian { .. } = self {
            // In a folder of its own: the two compilers would replace each other's results.
            folder.push("debian");
            command.args([
                "-Zbuild-std=std,panic_abort",
                "-Zbuild-std-features=optimize_for_size",
            ]);
        }
        let status = command
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

/// Whether the usual compiler has the target.
fn is_target_installed() -> Result<bool, String> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc)
        .args(["--print", "target-libdir", "--target", TARGET])
        .output()
        .map_err(|error| format!("cannot run rustc: {error}"))?;
    let folder = String::from_utf8_lossy(&output.stdout);
    Ok(output.status.success() && Path::new(folder.trim()).is_dir())
}
