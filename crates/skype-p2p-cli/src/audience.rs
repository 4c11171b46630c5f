//! Observes the demo: writes each line when it arrives, and checks the expected steps.

use std::{fmt, future::Future, time::Duration};

use tokio::{
    sync::mpsc,
    time::{Instant, timeout_at},
};

use crate::{
    failure::Failure,
    output::Output,
    timeline::{Event, Line, render},
};

/// The time limit of a step.
const PATIENCE: Duration = Duration::from_secs(20);

/// Reads the lines of all observers.
pub(crate) struct Audience {
    lines: mpsc::UnboundedReceiver<Line>,
    /// The lines that no step has expected yet, the oldest first.
    unclaimed: Vec<Line>,
    output: Output,
    json: bool,
    steps: usize,
}

/// Why the demo failed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Missed {
    /// The expected line did not arrive in time.
    #[error("A step was not observed: {0}.")]
    Unseen(String),
    /// A line arrived that no step expects.
    #[error("No step explains the observation {0}.")]
    Surplus(String),
    /// A request failed.
    #[error("A step failed: {step}: {why}.")]
    Failed { step: String, why: String },
}

impl Audience {
    pub(crate) fn new(lines: mpsc::UnboundedReceiver<Line>, output: Output, json: bool) -> Self {
        Self {
            lines,
            unclaimed: Vec::new(),
            output,
            json,
            steps: 0,
        }
    }

    /// Checks whether the lines could be written.
    pub(crate) fn check_output(&self) -> Result<(), Failure> {
        self.output.check()
    }

    /// The number of observed steps.
    pub(crate) fn steps(&self) -> usize {
        self.steps
    }

    /// Waits for a line like this that no earlier step has taken.
    pub(crate) async fn expect(&mut self, wanted: Wanted<'_>) -> Result<(), Missed> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(index) = self.unclaimed.iter().position(|line| wanted.matches(line)) {
                self.unclaimed.remove(index);
                self.steps += 1;
                return Ok(());
            }
            match timeout_at(deadline, self.lines.recv()).await {
                Ok(Some(line)) => self.see(line),
                Ok(None) | Err(_) => return Err(Missed::Unseen(wanted.to_string())),
            }
        }
    }

    /// Awaits a request of an actor, and writes the lines that arrive meanwhile.
    pub(crate) async fn during<T, E: fmt::Display>(
        &mut self,
        step: &str,
        act: impl Future<Output = Result<T, E>>,
    ) -> Result<T, Missed> {
        let deadline = Instant::now() + PATIENCE;
        let mut act = std::pin::pin!(timeout_at(deadline, act));
        loop {
            tokio::select! {
                ended = &mut act => {
                    self.steps += 1;
                    return match ended {
                        Ok(Ok(value)) => Ok(value),
                        Ok(Err(why)) => Err(Missed::Failed { step: step.to_owned(), why: why.to_string() }),
                        Err(_) => Err(Missed::Unseen(step.to_owned())),
                    };
                }
                Some(line) = self.lines.recv() => self.see(line),
            }
        }
    }

    /// Writes the lines that have arrived and that no step waits for.
    pub(crate) fn rest(&mut self) {
        while let Ok(line) = self.lines.try_recv() {
            self.see(line);
        }
    }

    /// Checks that each message arrived once: a message that no step expects arrived twice, or was never sent.
    pub(crate) fn nothing_twice(&mut self) -> Result<(), Missed> {
        self.rest();
        let twice = self
            .unclaimed
            .iter()
            .find(|line| line.event == Event::MessageAdded);
        twice.map_or(Ok(()), |line| Err(Missed::Surplus(line.to_string())))
    }

    fn see(&mut self, line: Line) {
        self.output.line(render(&line, self.json));
        self.unclaimed.push(line);
    }
}

/// An expected line.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Wanted<'a> {
    /// The value, also if it was there from the beginning.
    Value {
        who: &'a str,
        event: Event,
        new: &'a str,
    },
    /// A change to this value.
    Change {
        who: &'a str,
        event: Event,
        new: &'a str,
    },
    /// A message is there.
    Message {
        who: &'a str,
        direction: &'a str,
        text: &'a str,
    },
    /// A message of this text has this verdict.
    Verdict {
        who: &'a str,
        text: &'a str,
        status: &'a str,
    },
}

impl Wanted<'_> {
    fn matches(&self, line: &Line) -> bool {
        match *self {
            Self::Value { who, event, new } => {
                line.who == who && line.event == event && line.new == new
            }
            Self::Change { who, event, new } => {
                line.old.is_some() && Self::Value { who, event, new }.matches(line)
            }
            Self::Message {
                who,
                direction,
                text,
            } => {
                line.who == who
                    && line.event == Event::MessageAdded
                    && line.message.as_ref().is_some_and(|message| {
                        message.direction == direction && message.text == text
                    })
            }
            Self::Verdict { who, text, status } => {
                line.who == who
                    && line.event == Event::MessageStatus
                    && line.new == status
                    && line
                        .message
                        .as_ref()
                        .is_some_and(|message| message.text == text)
            }
        }
    }
}

impl fmt::Display for Wanted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value { who, event, new } | Self::Change { who, event, new } => {
                write!(f, "{who}: {} {new}", event.as_str())
            }
            Self::Message {
                who,
                direction,
                text,
            } => write!(f, "{who}: {direction} message {text:?}"),
            Self::Verdict { who, text, status } => write!(f, "{who}: message {text:?} {status}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timeline::Message;

    fn line(who: &str, new: &str) -> Line {
        Line {
            who: who.to_owned(),
            event: Event::ChatState,
            conversation: None,
            new: new.to_owned(),
            old: None,
            reason: None,
            message: None,
        }
    }

    fn wanted<'a>(who: &'a str, new: &'a str) -> Wanted<'a> {
        Wanted::Value {
            who,
            event: Event::ChatState,
            new,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_line_serves_one_expectation_and_order_between_people_does_not_matter() {
        let (sender, lines) = mpsc::unbounded_channel();
        let mut audience = Audience::new(lines, Output::new(std::io::sink()), false);
        for line in [line("lene", "Connected"), line("tosh", "Connected")] {
            sender.send(line).unwrap();
        }
        assert_eq!(audience.expect(wanted("tosh", "Connected")).await, Ok(()));
        assert_eq!(audience.expect(wanted("lene", "Connected")).await, Ok(()));
        assert_eq!(
            audience.expect(wanted("lene", "Connected")).await,
            Err(Missed::Unseen("lene: chat.state Connected".to_owned()))
        );
        assert_eq!(audience.steps(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_value_found_at_the_beginning_is_no_change() {
        let (sender, lines) = mpsc::unbounded_channel();
        let mut audience = Audience::new(lines, Output::new(std::io::sink()), false);
        sender.send(line("tosh", "Disconnected")).unwrap();
        let change = Wanted::Change {
            who: "tosh",
            event: Event::ChatState,
            new: "Disconnected",
        };
        assert!(audience.expect(change).await.is_err());
        sender
            .send(Line {
                old: Some("Connected".to_owned()),
                ..line("tosh", "Disconnected")
            })
            .unwrap();
        assert_eq!(audience.expect(change).await, Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_message_that_comes_twice_is_not_in_the_story() {
        let (sender, lines) = mpsc::unbounded_channel();
        let mut audience = Audience::new(lines, Output::new(std::io::sink()), false);
        let message = Message {
            direction: "Incoming".to_owned(),
            text: "Hi".to_owned(),
            status: "Succeeded".to_owned(),
        };
        let line = Line {
            event: Event::MessageAdded,
            message: Some(message),
            ..line("tosh", "Hi")
        };
        sender.send(line.clone()).unwrap();
        let wanted = Wanted::Message {
            who: "tosh",
            direction: "Incoming",
            text: "Hi",
        };
        assert_eq!(audience.expect(wanted).await, Ok(()));
        assert_eq!(audience.nothing_twice(), Ok(()));
        sender.send(line).unwrap();
        assert!(audience.nothing_twice().is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn an_act_that_never_ends_is_missed_and_one_that_fails_says_why() {
        let (_sender, lines) = mpsc::unbounded_channel();
        let mut audience = Audience::new(lines, Output::new(std::io::sink()), false);
        let never = std::future::pending::<Result<(), String>>();
        assert_eq!(
            audience.during("sign in", never).await,
            Err(Missed::Unseen("sign in".to_owned()))
        );
        let refused = std::future::ready(Err::<(), _>("no".to_owned()));
        assert_eq!(
            audience.during("sign in", refused).await,
            Err(Missed::Failed {
                step: "sign in".to_owned(),
                why: "no".to_owned()
            })
        );
    }
}
