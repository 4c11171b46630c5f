//! The answers of `--echo`. Two echoes in one conversation must not answer each other without end.

use std::time::Duration;

use skype_p2p::TextMessage;
use tokio::time::Instant;

/// The beginning of each answer. A message that begins so is an answer of an echo, and is not answered.
const MARK: &str = "Echo: ";

/// The number of answers in a second. It bounds a loop with a program that repeats messages without the mark.
const LIMIT: u32 = 5;

/// Makes the answers, within the limit.
#[derive(Default)]
pub(crate) struct Echo {
    second: Option<Instant>,
    answers: u32,
}

/// What to do with an incoming message.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Send(String),
    /// The message is the answer of another echo.
    NotAPerson,
    /// There were too many messages in this second.
    TooMany,
}

impl Echo {
    /// The answer to an incoming message.
    pub(crate) fn answer(&mut self, message: &TextMessage) -> Answer {
        self.answer_text(&message.text(), Instant::now())
    }

    fn answer_text(&mut self, text: &str, now: Instant) -> Answer {
        if text.trim_start().starts_with(MARK.trim_end()) {
            return Answer::NotAPerson;
        }
        let same_second = self
            .second
            .is_some_and(|second| now.duration_since(second) < Duration::from_secs(1));
        if !same_second {
            self.second = Some(now);
            self.answers = 0;
        }
        if self.answers == LIMIT {
            return Answer::TooMany;
        }
        self.answers += 1;
        Answer::Send(format!("{MARK}{text}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_of_an_echo_is_not_answered() {
        let now = Instant::now();
        let Answer::Send(answer) = Echo::default().answer_text("Hi", now) else {
            panic!("a person gets an answer");
        };
        assert_eq!(answer, "Echo: Hi");
        assert_eq!(
            Echo::default().answer_text(&answer, now),
            Answer::NotAPerson
        );
    }

    #[test]
    fn the_answers_of_a_second_are_limited() {
        let mut echo = Echo::default();
        let now = Instant::now();
        let answered = (0..20)
            .filter(|_| echo.answer_text("Hi", now) != Answer::TooMany)
            .count();
        assert_eq!(answered, 5);
        let later = now + Duration::from_secs(1);
        assert_ne!(echo.answer_text("Hi", later), Answer::TooMany);
    }
}
