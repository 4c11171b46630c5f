//! The terminal: raw mode and the alternate screen, which end with the client, also if it panics.

use std::{
    env,
    io::{self, IsTerminal as _, Stdout, Write, stdout},
    panic,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use crossterm::{
    cursor::Show,
    event::{
        self, DisableBracketedPaste, DisableFocusChange, DisableMouseCapture, EnableBracketedPaste,
        EnableFocusChange, EnableMouseCapture, Event, KeyEventKind, MouseButton, MouseEventKind,
    },
    execute,
    style::{Print, ResetColor},
    terminal::{
        self, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
    },
};
#[cfg(unix)]
use rustix::{
    event::{PollFd, PollFlags},
    io::Errno,
};
#[cfg(unix)]
use tokio::sync::oneshot;
use tokio::sync::{
    Notify,
    mpsc::{UnboundedReceiver, unbounded_channel},
};

use super::{
    job_control,
    painter::Painter,
    state::{State, input::Input},
    view::theme::Theme,
};
use crate::failure::Failure;

/// Checks that there is a terminal which has a cursor.
///
/// # Errors
///
/// If standard output is not such a terminal.
pub(super) fn check() -> Result<(), Failure> {
    let sentence = if !stdout().is_terminal() {
        "Cannot chat: standard output is not a terminal."
    } else if env::var_os("TERM").is_some_and(|term| term == "dumb") {
        "Cannot chat: the terminal cannot move its cursor (TERM is dumb)."
    } else {
        return Ok(());
    };
    Err(Failure::usage(sentence)
        .with_hint("start it in a terminal, or use send and listen in scripts"))
}

/// The screen of the client. Dropped, it restores the terminal.
pub(super) struct Screen {
    painter: Painter<Stdout>,
    mouse: bool,
    /// The terminal has to be restored.
    active: Arc<AtomicBool>,
}

impl Screen {
    /// Takes the terminal. A panic of any thread restores it and notifies `panicked`.
    ///
    /// # Errors
    ///
    /// If the terminal cannot be used.
    pub(super) fn open(mouse: bool, panicked: Arc<Notify>) -> Result<Self, Failure> {
        let active = Arc::new(AtomicBool::new(true));
        restore_on_panic(Arc::clone(&active), panicked);
        let screen = Self {
            painter: Painter::new(stdout()),
            mouse,
            active,
        };
        enable_raw_mode().map_err(unusable)?;
        enter(&mut stdout(), mouse).map_err(unusable)?;
        Ok(screen)
    }

    /// The columns and rows.
    pub(super) fn size() -> (u16, u16) {
        terminal::size().unwrap_or((80, 24))
    }

    /// Draws the state, unless the screen is suspended.
    ///
    /// # Errors
    ///
    /// If the terminal cannot be written.
    pub(super) fn draw(&mut self, state: &State, theme: &Theme) -> Result<(), Failure> {
        if !self.active.load(Ordering::SeqCst) {
            return Ok(());
        }
        let drawn = self.painter.draw(state, theme);
        drawn.map_err(|error| Failure::cannot_write("standard output", &error))
    }

    /// Forgets what the screen shows, so that the next drawing writes all of it.
    pub(super) fn clear(&mut self) {
        self.painter.forget();
    }

    /// Rings the bell of the terminal.
    pub(super) fn ring() {
        // A terminal that cannot be written is noticed by the next drawing.
        let _ = execute!(stdout(), Print('\u{7}'));
    }

    /// Restores the terminal and stops the client, until a shell continues it. Returns whether it was stopped.
    ///
    /// # Errors
    ///
    /// If the terminal cannot be used.
    pub(super) fn suspend(&mut self) -> Result<bool, Failure> {
        restore(&self.active);
        let stopped = job_control::stop();
        if !stopped {
            self.resume()?;
        }
        Ok(stopped)
    }

    /// Takes the terminal again after the client was stopped.
    ///
    /// # Errors
    ///
    /// If the terminal cannot be used.
    pub(super) fn resume(&mut self) -> Result<(), Failure> {
        self.active.store(true, Ordering::SeqCst);
        // A shell may have changed the mode. Only a mode that was left is entered again.
        disable_raw_mode().map_err(unusable)?;
        enable_raw_mode().map_err(unusable)?;
        enter(&mut stdout(), self.mouse).map_err(unusable)?;
        self.painter.forget();
        Ok(())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        restore(&self.active);
    }
}

fn unusable(error: io::Error) -> Failure {
    Failure::other(format!("Cannot use the terminal: {error}."))
}

/// Restores the terminal before the message of a panic is written.
fn restore_on_panic(active: Arc<AtomicBool>, panicked: Arc<Notify>) {
    let previous = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        restore(&active);
        previous(panic);
        panicked.notify_one();
    }));
}

/// Restores the terminal once. A terminal that was closed cannot be restored.
fn restore(active: &AtomicBool) {
    if active.swap(false, Ordering::SeqCst) {
        let _ = disable_raw_mode();
        let _ = leave(&mut stdout());
    }
}

fn enter(to: &mut impl Write, mouse: bool) -> io::Result<()> {
    execute!(
        to,
        EnterAlternateScreen,
        EnableBracketedPaste,
        EnableFocusChange
    )?;
    if mouse {
        execute!(to, EnableMouseCapture)?;
    }
    Ok(())
}

fn leave(to: &mut impl Write) -> io::Result<()> {
    execute!(
        to,
        DisableMouseCapture,
        DisableFocusChange,
        DisableBracketedPaste,
        ResetColor,
        LeaveAlternateScreen,
        Show
    )
}

/// The inputs of the terminal, until it cannot be read.
///
/// A thread reads them. When a terminal has hung up, the reader of events does not return: the operating system reports the end
/// of the input again and again, and the reader goes on. [`hung_up`] then ends the client, and the thread ends with the process.
pub(super) fn inputs() -> UnboundedReceiver<Input> {
    let (sender, inputs) = unbounded_channel();
    thread::spawn(move || {
        while let Ok(event) = event::read() {
            let sent = input(event).map_or(Ok(()), |input| sender.send(input));
            if sent.is_err() {
                break;
            }
        }
    });
    inputs
}

/// Waits until the terminal has hung up. SIGHUP is not enough: only processes whose controlling terminal it was receive it.
#[cfg(unix)]
pub(super) async fn hung_up() {
    let (sender, hang_up) = oneshot::channel();
    thread::spawn(move || {
        let stdout = stdout();
        // Without a flag, only the end and errors are reported.
        let mut terminal = [PollFd::new(&stdout, PollFlags::empty())];
        while rustix::event::poll(&mut terminal, None) == Err(Errno::INTR) {}
        let _ = sender.send(());
    });
    let _ = hang_up.await;
}

#[cfg(not(unix))]
pub(super) async fn hung_up() {
    std::future::pending().await
}

/// The input of a terminal event, if the client uses the event.
fn input(event: Event) -> Option<Input> {
    match event {
        Event::Key(key) if key.kind != KeyEventKind::Release => Some(Input::Key(key)),
        Event::Paste(text) => Some(Input::Paste(text)),
        Event::Resize(columns, rows) => Some(Input::Resize { columns, rows }),
        Event::FocusGained => Some(Input::Focus(true)),
        Event::FocusLost => Some(Input::Focus(false)),
        Event::Mouse(mouse) => match mouse.kind {
            MouseEventKind::Down(MouseButton::Left) => Some(Input::Click {
                column: mouse.column,
                row: mouse.row,
            }),
            MouseEventKind::ScrollUp => Some(Input::WheelUp),
            MouseEventKind::ScrollDown => Some(Input::WheelDown),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #[cfg(unix)]
    use std::{
        process::{Command, Stdio},
        time::{Duration, Instant},
    };

    use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

    use super::*;

    #[test]
    fn leaving_undoes_everything_that_entering_does() {
        let written = |write: fn(&mut Vec<u8>) -> io::Result<()>| {
            let mut bytes = Vec::new();
            write(&mut bytes).unwrap();
            String::from_utf8(bytes).unwrap()
        };
        let entered = written(|to| enter(to, true));
        let left = written(leave);
        let modes: Vec<_> = entered.split("\u{1b}[?").skip(1).collect();
        assert!(modes.len() >= 3, "{entered:?}");
        for mode in modes {
            let off = format!("\u{1b}[?{}l", mode.trim_end_matches('h'));
            assert!(left.contains(&off), "{off:?} in {left:?}");
        }
    }

    /// The test runs itself in a terminal of tmux, where it panics while the screen is open.
    #[cfg(unix)]
    #[test]
    fn a_panic_restores_the_terminal() {
        const VARIABLE: &str = "SKYPE_P2P_TEST_PANIC";
        if std::env::var_os(VARIABLE).is_some() {
            let _screen = Screen::open(true, Arc::default()).unwrap();
            panic!("the client panics");
        }
        let socket = format!("skype-p2p-panic-{}", std::process::id());
        let tmux = |arguments: &[&str]| {
            let mut tmux = Command::new("tmux");
            tmux.args(["-u", "-f", "/dev/null", "-L", &socket]);
            let output = tmux.args(arguments).stdin(Stdio::null()).output()?;
            io::Result::Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        };
        let program = std::env::current_exe().unwrap();
        let shell = format!(
            "{VARIABLE}=1 RUST_BACKTRACE=0 {} --exact chat::terminal::tests::a_panic_restores_the_terminal --nocapture; \
             stty -a | grep -o -- '-*icanon'; cat",
            program.display()
        );
        if tmux(&["new-session", "-d", "-x", "200", "-y", "50", &shell]).is_err() {
            eprintln!("skipped: tmux is not installed");
            return;
        }
        let deadline = Instant::now() + Duration::from_secs(30);
        let mut screen = String::new();
        while !screen.contains("icanon") && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(50));
            screen = tmux(&["capture-pane", "-p"]).unwrap();
        }
        let modes = "#{alternate_on} #{cursor_flag} #{mouse_any_flag}";
        let modes = tmux(&["display-message", "-p", modes]).unwrap();
        tmux(&["kill-server"]).unwrap();
        assert!(screen.lines().any(|line| line == "icanon"), "{screen}");
        assert!(screen.contains("the client panics"), "{screen}");
        assert_eq!(modes.trim(), "0 1 0");
    }

    #[test]
    fn a_released_key_is_no_input() {
        let mut key = KeyEvent::new(KeyCode::Enter, KeyModifiers::NONE);
        assert!(input(Event::Key(key)).is_some());
        key.kind = KeyEventKind::Release;
        assert!(input(Event::Key(key)).is_none());
    }
}
