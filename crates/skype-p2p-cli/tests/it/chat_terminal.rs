//! The client and its terminal: resizes, suspension, hang-up, and terminals that cannot be used.

use std::{
    fs::{self, File},
    os::unix::fs::OpenOptionsExt as _,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::OFlags,
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{Winsize, tcsetwinsize},
};

use crate::{
    process::{Folder, PATIENCE, TOSH, command, lene, server},
    tmux::Tmux,
};

#[test]
fn the_screen_follows_the_size_of_the_terminal_and_is_drawn_again_by_a_key() {
    let (_server, root) = server();
    let Some(tmux) = Tmux::chat(&root, TOSH, &["lenea"]) else {
        return;
    };
    tmux.wait_for("lenea@contoso.com>");
    tmux.press(&["C-o"]);
    // Many drawings are in progress while the size changes.
    for size in [["20", "5"], ["200", "60"], ["40", "12"], ["80", "24"]].repeat(5) {
        tmux.press(&["x", "BSpace", "x"]);
        tmux.run(&["resize-window", "-x", size[0], "-y", size[1]]);
        tmux.press(&["BSpace"]);
    }
    tmux.wait_until("the whole dialog", |screen| {
        screen
            .lines()
            .nth(2)
            .is_some_and(|line| line.contains("┌ Open a chat with "))
            && screen
                .lines()
                .nth(21)
                .is_some_and(|line| line.contains("└───"))
    });
    tmux.press(&["Escape"]);
    let screen = tmux.wait_until("the conversation", |screen| !screen.contains('┌'));
    // Another program has written on the screen.
    let tty = tmux.run(&["display-message", "-p", "#{pane_tty}"]);
    let tty = File::options().write(true).open(tty.trim()).unwrap();
    std::io::Write::write_all(&mut &tty, b"\x1b[HWritten by another program").unwrap();
    tmux.wait_for("Written by another program");
    tmux.press(&["C-l"]);
    tmux.wait_until("the screen as before", |now| now == screen);
    tmux.press(&["C-q"]);
    tmux.wait_for_end(0);
}

/// The client is a job of a shell, which continues the job after a line of input.
#[test]
fn a_suspended_client_gives_the_terminal_back_until_it_is_continued() {
    let (_server, root) = server();
    let _lene = lene(&root, &["--echo"]);
    let launcher = "sh -mc '\"$0\" \"$@\"; echo suspended; read line; fg >/dev/null'";
    let arguments = ["--root", &root, "--user", TOSH, "--mouse", "lenea"];
    let Some(tmux) = Tmux::start(launcher, &arguments) else {
        return;
    };
    tmux.wait_for("lenea@contoso.com>");
    tmux.type_text("Before");
    tmux.wait_for("> Before");
    tmux.press(&["C-z"]);
    let screen = tmux.wait_for("suspended");
    assert!(!screen.contains("Before"), "{screen}");
    let modes = "#{alternate_on} #{cursor_flag} #{mouse_any_flag}";
    assert_eq!(tmux.run(&["display-message", "-p", modes]).trim(), "0 1 0");
    tmux.press(&["Enter"]);
    tmux.wait_for("> Before");
    assert_eq!(tmux.run(&["display-message", "-p", modes]).trim(), "1 1 1");
    tmux.type_text(" and after");
    tmux.press(&["Enter"]);
    tmux.wait_for("Echo: Before and after");
    tmux.press(&["C-q"]);
    tmux.wait_for_end(0);
}

/// More keys than the client reads at once arrive while it is stopped. No key follows that could cause another read.
#[test]
fn keys_that_arrive_faster_than_they_are_read_are_not_kept_back() {
    let (_server, root) = server();
    let folder = Folder::new("chat-burst");
    let file = folder.path().join("pid");
    let launcher = format!("sh -c 'echo $$ >{}; exec \"$0\" \"$@\"'", file.display());
    let arguments = ["--root", &root, "--user", TOSH, "lenea"];
    let Some(tmux) = Tmux::start(&launcher, &arguments) else {
        return;
    };
    tmux.wait_for("lenea@contoso.com>");
    let process = fs::read_to_string(file).unwrap();
    let signal = |name| {
        let sent = Command::new("kill").args([name, process.trim()]).status();
        assert!(sent.unwrap().success());
    };
    signal("-STOP");
    tmux.type_text(&("word ".repeat(600) + "last"));
    signal("-CONT");
    tmux.wait_for("word last");
}

/// No shell could continue the client, so it goes on.
#[test]
fn without_job_control_the_client_is_not_suspended() {
    let (_server, root) = server();
    let Some(tmux) = Tmux::chat(&root, TOSH, &["lenea"]) else {
        return;
    };
    tmux.wait_for("lenea@contoso.com>");
    tmux.press(&["C-z"]);
    tmux.wait_for("is not suspended");
    tmux.press(&["C-q"]);
    tmux.wait_for_end(0);
}

#[test]
fn a_terminal_without_a_cursor_is_refused() {
    let (_server, root) = server();
    let arguments = ["--root", &root, "--user", TOSH];
    let Some(tmux) = Tmux::start("env TERM=dumb", &arguments) else {
        return;
    };
    let screen = tmux.wait_for_end(2);
    assert!(screen.contains("TERM is dumb"), "{screen}");
}

/// A terminal of 80 columns and 24 rows, which is not the controlling terminal of any process.
struct PseudoTerminal {
    master: File,
    slave: File,
}

impl PseudoTerminal {
    fn open() -> Self {
        // A program of another test must not inherit it.
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let master = openpt(flags).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let size = Winsize {
            ws_row: 24,
            ws_col: 80,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(&master, size).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap();
        let mut options = File::options();
        options.read(true).write(true);
        options.custom_flags(OFlags::NOCTTY.bits().cast_signed());
        Self {
            slave: options.open(name.to_str().unwrap()).unwrap(),
            master: master.into(),
        }
    }

    /// Reads until this text was written, and then nothing for a second.
    fn wait_for_quiet_after(&mut self, text: &str) {
        let deadline = Instant::now() + PATIENCE;
        let mut written = Vec::new();
        loop {
            assert!(Instant::now() < deadline, "{text} was not written");
            let mut master = [PollFd::new(&self.master, PollFlags::IN)];
            let second = Timespec {
                tv_sec: 1,
                tv_nsec: 0,
            };
            if poll(&mut master, Some(&second)).unwrap() > 0 {
                let mut bytes = [0; 4096];
                let count = std::io::Read::read(&mut self.master, &mut bytes).unwrap();
                written.extend_from_slice(&bytes[..count]);
            } else if String::from_utf8_lossy(&written).contains(text) {
                return;
            }
        }
    }
}

/// A client that is killed when the test ends.
struct Client(Child);

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The kernel sends no SIGHUP, since the terminal controls no process. So the client has to notice the hang-up itself. A client
/// that reads the terminal in its loop stays in the read for ever.
#[test]
fn a_hang_up_without_a_signal_ends_the_client() {
    let (_server, root) = server();
    let mut terminal = PseudoTerminal::open();
    let stdio = || Stdio::from(terminal.slave.try_clone().unwrap());
    let mut chat = command(["chat", "--root", &root, "--user", TOSH]);
    chat.env("TERM", "xterm").stdin(stdio()).stdout(stdio());
    let mut client = Client(chat.stderr(Stdio::null()).spawn().unwrap());
    // The command has copies of the terminal.
    drop(chat);
    // A client that still draws ends when it cannot write.
    terminal.wait_for_quiet_after("archived");
    drop(terminal);
    let deadline = Instant::now() + PATIENCE;
    while client.0.try_wait().unwrap().is_none() {
        assert!(Instant::now() < deadline, "the client still runs");
        thread::sleep(Duration::from_millis(50));
    }
}
