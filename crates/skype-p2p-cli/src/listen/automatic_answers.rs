//! Which messages a program may answer. Two programs in one conversation must not answer each other without end.

use std::{collections::HashMap, time::Duration};

use skype_p2p::ConversationId;
use tokio::time::Instant;

/// The beginning of each answer of `--echo`.
pub(crate) const ECHO_MARK: &str = "Echo:";

/// The beginning of each answer of `--exec`.
pub(crate) const BOT_MARK: &str = "[bot]";

/// The numbers of answers in a conversation within these times. The second number ends a slow loop with a program that does
/// not mark its messages: if one message has no answer, that program has nothing to answer either.
const LIMITS: [(Duration, u32); 2] = [
    (Duration::from_secs(1), 5),
    (Duration::from_secs(3600), 200),
];

/// Whether a message may be answered.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Answer,
    /// The message is itself an answer of `--echo` or `--exec`.
    Automatic,
    /// The conversation has had too many answers.
    TooMany,
}

/// Counts the answers of each conversation.
#[derive(Default)]
pub(crate) struct AutomaticAnswers {
    windows: HashMap<ConversationId, [Window; LIMITS.len()]>,
}

/// The answers since a time.
#[derive(Clone, Copy)]
struct Window {
    begin: Instant,
    answers: u32,
}

impl AutomaticAnswers {
    /// Decides whether a message with this text is answered, and counts the answer.
    pub(crate) fn decide(&mut self, conversation: ConversationId, text: &str) -> Verdict {
        self.decide_at(conversation, text, Instant::now())
    }

    fn decide_at(&mut self, conversation: ConversationId, text: &str, now: Instant) -> Verdict {
        let text = text.trim_start();
        if text.starts_with(ECHO_MARK) || text.starts_with(BOT_MARK) {
            return Verdict::Automatic;
        }
        let empty = Window {
            begin: now,
            answers: 0,
        };
        let windows = self
            .windows
            .entry(conversation)
            .or_insert([empty; LIMITS.len()]);
        for (window, (length, _)) in windows.iter_mut().zip(LIMITS) {
            if now.duration_since(window.begin) >= length {
                *window = empty;
            }
        }
        if windows
            .iter()
            .zip(LIMITS)
            .any(|(window, (_, limit))| window.answers == limit)
        {
            return Verdict::TooMany;
        }
        for window in windows {
            window.answers += 1;
        }
        Verdict::Answer
    }

    /// Forgets a conversation that has ended.
    pub(crate) fn forget(&mut self, conversation: ConversationId) {
        self.windows.remove(&conversation);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: ConversationId = ConversationId::Local(1);
    const ELSEWHERE: ConversationId = ConversationId::Local(2);

    #[test]
    fn the_answer_of_a_program_is_not_answered() {
        let mut answers = AutomaticAnswers::default();
        for text in [
            "Echo: Hi",
            " Echo: Hi",
            "[bot] up 3 days",
            "[bot]\none\ntwo",
        ] {
            assert_eq!(answers.decide(HERE, text), Verdict::Automatic, "{text}");
        }
        assert_eq!(answers.decide(HERE, "Hi"), Verdict::Answer);
    }

    #[test]
    fn the_answers_of_a_second_are_limited_in_each_conversation() {
        let mut answers = AutomaticAnswers::default();
        let now = Instant::now();
        let mut answered = |conversation, now| {
            (0..20)
                .filter(|_| answers.decide_at(conversation, "Hi", now) == Verdict::Answer)
                .count()
        };
        assert_eq!(answered(HERE, now), 5);
        assert_eq!(answered(ELSEWHERE, now), 5);
        assert_eq!(answered(HERE, now + Duration::from_secs(1)), 5);
    }

    #[test]
    fn a_loop_with_a_slow_program_ends() {
        let mut answers = AutomaticAnswers::default();
        let begin = Instant::now();
        let mut answered = |seconds: std::ops::Range<u64>| {
            seconds
                .filter(|second| {
                    let now = begin + Duration::from_secs(*second);
                    answers.decide_at(HERE, "Hi", now) == Verdict::Answer
                })
                .count()
        };
        assert_eq!(answered(0..3600), 200);
        assert_eq!(answered(3600..3610), 10);
    }

    #[test]
    fn an_ended_conversation_takes_no_memory() {
        let mut answers = AutomaticAnswers::default();
        answers.decide(HERE, "Hi");
        answers.forget(HERE);
        assert!(answers.windows.is_empty());
    }
}
