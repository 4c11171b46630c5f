//! The smallest program that depends on the facade: its crates, the size of its executable, and the time of a clean build.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::client::Metrics;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Build the program, too, from nothing
    #[arg(long)]
    build: bool,
}

const PROGRAM: &str = r#"//! Signs in and sends one message.
use skype_p2p::{Application, Credentials};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let application = Application::builder().build()?;
    let credentials = Credentials::password("toshm@contoso.com", "secret");
    application.sign_in_manager().sign_in(credentials).await?;
    let manager = application.conversations_manager();
    let chat = manager.get_conversation("sip:lenea@contoso.com")?.chat_service();
    chat.send_message("Hello").await?;
    Ok(())
}
"#;

pub(crate) fn run(options: &Options) -> Metrics {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folder = workspace.join("target/hello-world");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(folder.join("src")).unwrap();
    let facade = workspace.join("crates/skype-p2p");
    let manifest = format!(
        "[package]\nname = \"hello-world\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[workspace]\n\n[dependencies]\n\
         skype-p2p = {{ path = {facade:?} }}\ntokio = {{ version = \"1\", features = [\"macros\", \"rt\"] }}\n\n\
         [profile.release]\nstrip = true\n"
    );
    fs::write(folder.join("Cargo.toml"), manifest).unwrap();
    fs::write(folder.join("src/main.rs"), PROGRAM).unwrap();
    // The same versions as in the workspace.
    fs::copy(workspace.join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
    let cargo = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO"));
        command
            .args(arguments)
            .current_dir(&folder)
            .stderr(Stdio::inherit());
        let output = command.output().unwrap();
        assert!(output.status.success(), "{arguments:?}");
        String::from_utf8(output.stdout).unwrap()
    };

    let mut metrics = Metrics::new();
    let tree = cargo(&[
        "tree", "--edges", "normal", "--prefix", "none", "--format", "{p}",
    ]);
    let crates: BTreeSet<_> = tree
        .lines()
        .map(|line| line.trim_end_matches(" (*)"))
        .collect();
    // Without the program itself.
    metrics.insert("crates".to_owned(), (crates.len() - 1) as f64);
    if options.build {
        let begin = Instant::now();
        cargo(&["build", "--release", "--quiet", "--target-dir", "target"]);
        metrics.insert("seconds".to_owned(), begin.elapsed().as_secs_f64());
        let size = fs::metadata(folder.join("target/release/hello-world"))
            .unwrap()
            .len();
        metrics.insert("megabytes".to_owned(), size as f64 / 1e6);
    }
    metrics
}
