//! Runs `chat` in a terminal of tmux: typed keys, and the screens that follow.

use std::{
    process::{Command, Output, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};

use crate::process::{PASSWORD, PATIENCE};

/// A terminal of 80 columns and 24 rows that runs the client. Dropped, it is closed.
pub(crate) struct Tmux {
    socket: String,
}

impl Tmux {
    /// Starts the client with these arguments, by the command `launcher` if it is not empty. Afterwards the shell prints the
    /// exit code and the mode of the terminal. `None` without tmux.
    pub(crate) fn start(launcher: &str, arguments: &[&str]) -> Option<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let tmux = Self {
            socket: format!("skype-p2p-{}-{count}", std::process::id()),
        };
        let binary = env!("CARGO_BIN_EXE_skype-p2p");
        let shell = format!(
            "SKYPE_P2P_PASSWORD={PASSWORD} XDG_CONFIG_HOME=/nowhere TZ=UTC {launcher} {binary} chat {}; \
             echo \"code $?\"; stty -a | grep -o -- '-*icanon'; cat",
            arguments.join(" ")
        );
        let started = tmux.try_run(&["new-session", "-d", "-x", "80", "-y", "24", &shell]);
        let Ok(started) = started else {
            eprintln!("skipped: tmux is not installed");
            return None;
        };
        assert!(started.status.success(), "{started:?}");
        Some(tmux)
    }

    /// A user of the server in the client.
    pub(crate) fn chat(root: &str, user: &str, more: &[&str]) -> Option<Self> {
        let arguments = [&["--root", root, "--user", user][..], more].concat();
        Self::start("", &arguments)
    }

    /// A user of the server in the client, who is signed in and has no conversation.
    pub(crate) fn signed_in(root: &str, user: &str) -> Option<Self> {
        let tmux = Self::chat(root, user, &[])?;
        tmux.wait_for("There are no conversations.");
        Some(tmux)
    }

    fn try_run(&self, arguments: &[&str]) -> std::io::Result<Output> {
        Command::new("tmux")
            .args(["-u", "-f", "/dev/null", "-L", &self.socket])
            .args(arguments)
            .stdin(Stdio::null())
            .output()
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> String {
        let output = self.try_run(arguments).unwrap();
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Presses keys, in tmux's names.
    pub(crate) fn press(&self, keys: &[&str]) {
        if !keys.is_empty() {
            self.run(&[&["send-keys"], keys].concat());
        }
    }

    pub(crate) fn type_text(&self, text: &str) {
        self.run(&["send-keys", "-l", text]);
    }

    pub(crate) fn screen(&self) -> String {
        self.run(&["capture-pane", "-p"])
    }

    /// Waits for a screen with this text.
    pub(crate) fn wait_for(&self, text: &str) -> String {
        self.wait_until(text, |screen| screen.contains(text))
    }

    pub(crate) fn wait_until(&self, what: &str, wanted: impl Fn(&str) -> bool) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let screen = self.screen();
            if wanted(&screen) {
                return screen;
            }
            assert!(Instant::now() < deadline, "{what} is not on\n{screen}");
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Waits for the end of the client: its exit code, in a terminal that is as before.
    pub(crate) fn wait_for_end(&self, code: i32) -> String {
        let screen = self.wait_until("the end", |screen| screen.contains("icanon"));
        let lines: Vec<_> = screen.lines().collect();
        assert!(lines.contains(&&*format!("code {code}")), "{screen}");
        assert!(lines.contains(&"icanon"), "{screen}");
        let modes = "#{alternate_on} #{cursor_flag} #{mouse_any_flag}";
        assert_eq!(self.run(&["display-message", "-p", modes]).trim(), "0 1 0");
        screen
    }
}

impl Drop for Tmux {
    fn drop(&mut self) {
        let _ = self.try_run(&["kill-server"]);
    }
}
