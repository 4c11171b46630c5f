//! Runs a program of `--exec`, bounded in time and output.

use std::{io, process::ExitStatus, process::Stdio, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _},
    process::Command,
    time::timeout,
};

use crate::secret_variables::SecretVariables;

/// The largest answer in bytes.
const LARGEST_ANSWER: u64 = 16 * 1024;

/// How much of the standard error of a program is kept, in bytes.
const LARGEST_ERROR: u64 = 4 * 1024;

/// The variables that a program does not inherit: the credentials of the users, and the ID of the endpoint, with which a
/// `skype-p2p send` of the program would take over the application of `listen`.
const NOT_INHERITED: [&str; 5] = [
    SecretVariables::USER.password,
    SecretVariables::USER.token,
    SecretVariables::RECEIVER.password,
    SecretVariables::RECEIVER.token,
    "SKYPE_P2P_ENDPOINT_ID",
];

/// The end of a program.
pub(crate) struct Finished {
    /// The standard output without the line breaks at its end.
    pub(crate) answer: Result<String, ProgramError>,
    /// The beginning of the standard error.
    pub(crate) errors: String,
}

/// Why a program has no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProgramError {
    #[error("it cannot be run: {0}")]
    Io(#[from] io::Error),
    #[error("{0}")]
    Status(ExitStatus),
    #[error("it did not end within {} seconds, and was killed", .0.as_secs())]
    Timeout(Duration),
    #[error("its answer is larger than {} KiB", LARGEST_ANSWER / 1024)]
    TooLarge,
    #[error("its answer is not UTF-8")]
    NotText,
}

/// Runs a command of the shell with this text on its standard input. If the future is dropped, the program is killed.
pub(crate) async fn run(
    command: &str,
    input: &str,
    variables: &[(&str, String)],
    limit: Duration,
) -> Finished {
    let mut errors = Vec::new();
    let answer = match timeout(limit, answer(command, input, variables, &mut errors)).await {
        Ok(answer) => answer,
        Err(_) => Err(ProgramError::Timeout(limit)),
    };
    Finished {
        answer,
        errors: String::from_utf8_lossy(&errors).into_owned(),
    }
}

async fn answer(
    command: &str,
    input: &str,
    variables: &[(&str, String)],
    errors: &mut Vec<u8>,
) -> Result<String, ProgramError> {
    let mut shell = shell(command);
    shell
        .envs(variables.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    for name in NOT_INHERITED {
        shell.env_remove(name);
    }
    let mut child = shell.spawn()?;
    let mut group = ProcessGroup::of(child.id());
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let write = async {
        if let Some(mut stdin) = stdin {
            // A program need not read its input.
            let _ = stdin.write_all(input.as_bytes()).await;
        }
        Ok(())
    };
    let mut output = Vec::new();
    let read = async {
        read_up_to(stdout, LARGEST_ANSWER + 1, &mut output).await?;
        if output.len() as u64 > LARGEST_ANSWER {
            return Err(ProgramError::TooLarge);
        }
        Ok(())
    };
    let complaints = async {
        let rest = read_up_to(stderr, LARGEST_ERROR, errors).await?;
        if let Some(mut rest) = rest {
            // A full pipe would stop the program.
            tokio::io::copy(&mut rest, &mut tokio::io::sink()).await?;
        }
        Ok(())
    };
    let end = async { Ok(child.wait().await?) };
    let (.., status) = tokio::try_join!(write, read, complaints, end)?;
    group.disarm();
    if !status.success() {
        return Err(ProgramError::Status(status));
    }
    let output = String::from_utf8(output).map_err(|_| ProgramError::NotText)?;
    Ok(output.trim_end_matches(['\r', '\n']).to_owned())
}

/// Reads up to `limit` bytes, and returns the rest of the stream.
async fn read_up_to<R: AsyncRead + Unpin>(
    stream: Option<R>,
    limit: u64,
    into: &mut Vec<u8>,
) -> io::Result<Option<R>> {
    let Some(stream) = stream else {
        return Ok(None);
    };
    let mut beginning = stream.take(limit);
    beginning.read_to_end(into).await?;
    Ok(Some(beginning.into_inner()))
}

/// The command in the shell of the system, in a process group of its own, so that Ctrl-C at the terminal does not reach it.
#[cfg(unix)]
fn shell(command: &str) -> Command {
    let mut shell = Command::new("/bin/sh");
    shell.arg("-c").arg(command).process_group(0);
    shell
}

#[cfg(windows)]
fn shell(command: &str) -> Command {
    let mut shell = Command::new("cmd");
    shell.arg("/C").raw_arg(command);
    shell
}

/// Kills the processes that a program has started, with the program, unless the program has ended by itself.
struct ProcessGroup {
    #[cfg(unix)]
    id: Option<rustix::process::Pid>,
}

impl ProcessGroup {
    #[cfg(unix)]
    fn of(leader: Option<u32>) -> Self {
        let id = leader.and_then(|id| i32::try_from(id).ok());
        Self {
            id: id.and_then(rustix::process::Pid::from_raw),
        }
    }

    /// On Windows only the program itself is killed.
    #[cfg(not(unix))]
    fn of(_leader: Option<u32>) -> Self {
        Self {}
    }

    fn disarm(&mut self) {
        #[cfg(unix)]
        {
            self.id = None;
        }
    }
}

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        #[cfg(unix)]
        if let Some(id) = self.id {
            // The group may have ended meanwhile.
            let _ = rustix::process::kill_process_group(id, rustix::process::Signal::KILL);
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    async fn run_for(command: &str, limit: Duration) -> Finished {
        run(command, "Hi\n", &[("SKYPE_P2P_FROM", "tosh".into())], limit).await
    }

    async fn run_it(command: &str) -> Finished {
        run_for(command, Duration::from_secs(30)).await
    }

    #[tokio::test]
    async fn a_program_has_the_text_and_the_variables() {
        let finished = run_it("read -r text; echo \"$SKYPE_P2P_FROM: $text\"; echo").await;
        assert_eq!(finished.answer.unwrap(), "tosh: Hi");
        // A program that does not read its input.
        assert_eq!(run_it("exec true").await.answer.unwrap(), "");
    }

    #[tokio::test]
    async fn a_failing_program_has_no_answer_and_its_errors_are_kept() {
        let finished = run_it("echo half; echo no such host >&2; exit 3").await;
        assert!(matches!(finished.answer, Err(ProgramError::Status(_))));
        assert_eq!(finished.errors, "no such host\n");
        let finished = run_it("printf '\\377'").await;
        assert!(matches!(finished.answer, Err(ProgramError::NotText)));
    }

    #[tokio::test]
    async fn an_answer_is_bounded() {
        let just = run_it("head -c 16384 /dev/zero | tr '\\0' a").await;
        assert_eq!(just.answer.unwrap().len(), 16384);
        // The program would never end.
        let endless = run_it("yes").await;
        assert!(matches!(endless.answer, Err(ProgramError::TooLarge)));
        let noisy = run_it("head -c 1000000 /dev/zero | tr '\\0' a >&2").await;
        assert_eq!(noisy.answer.unwrap(), "");
        assert_eq!(noisy.errors.len(), 4096);
    }

    #[tokio::test]
    async fn a_program_that_takes_too_long_is_killed_with_its_children() {
        // The child is found by its argument.
        let seconds = format!("1{}", std::process::id());
        let command = format!("sleep {seconds} & sleep {seconds}; true");
        let finished = run_for(&command, Duration::from_millis(300)).await;
        assert!(matches!(finished.answer, Err(ProgramError::Timeout(_))));
        let find = format!("ps -A -o args | grep '[s]leep {seconds}'");
        let mut left = run_it(&find).await;
        for _ in 0..50 {
            if left.answer.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
            left = run_it(&find).await;
        }
        panic!("still running: {:?}", left.answer);
    }
}
