//! The result of a probe: the stages with their times, and why a stage failed.

use std::{
    collections::BTreeMap,
    time::{Duration, SystemTime},
};

use serde::Serialize;

use crate::{
    End,
    failure::Failure,
    json_line::{VERSION, rfc3339},
};

/// A stage of a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    SenderSignIn,
    ReceiverSignIn,
    Invitation,
    Delivery,
    Answer,
}

impl Stage {
    /// The stages of a probe, in order.
    pub(crate) const ALL: [Self; 5] = [
        Self::SenderSignIn,
        Self::ReceiverSignIn,
        Self::Invitation,
        Self::Delivery,
        Self::Answer,
    ];

    /// The name in the metrics, which is also that in JSON.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::SenderSignIn => "sender_sign_in",
            Self::ReceiverSignIn => "receiver_sign_in",
            Self::Invitation => "invitation",
            Self::Delivery => "delivery",
            Self::Answer => "answer",
        }
    }
}

/// The result of one probe.
pub(crate) struct Measurement {
    /// The address of the user who sends.
    pub(crate) sender: String,
    /// The address of the user who receives. None if only a sign-in was measured.
    pub(crate) receiver: Option<String>,
    /// The time when the probe ended.
    pub(crate) time: SystemTime,
    /// The stages that ended, in order. After a failure, the last one is that which failed.
    pub(crate) stages: Vec<(Stage, Duration)>,
    pub(crate) failure: Option<Failure>,
}

/// The JSON object of a result.
#[derive(Serialize)]
struct Json<'a> {
    version: u32,
    event: &'static str,
    time: String,
    sender: &'a str,
    receiver: Option<&'a str>,
    success: bool,
    exit_code: u8,
    failed_stage: Option<&'static str>,
    sentence: String,
    stages_ms: BTreeMap<&'static str, u64>,
    causes: &'a [String],
}

impl Measurement {
    /// Whether every stage succeeded.
    pub(crate) fn success(&self) -> bool {
        self.failure.is_none()
    }

    /// The exit code.
    pub(crate) fn end(&self) -> End {
        self.failure.as_ref().map_or(End::Well, Failure::end)
    }

    /// The stage that failed.
    pub(crate) fn failed_stage(&self) -> Option<Stage> {
        let last = self.stages.last().map(|(stage, _)| *stage);
        last.filter(|_| self.failure.is_some())
    }

    /// The time of all stages together.
    pub(crate) fn duration(&self) -> Duration {
        self.stages.iter().map(|(_, time)| *time).sum()
    }

    /// The lines for people: one for each stage, and the result.
    pub(crate) fn lines(&self) -> Vec<String> {
        let receiver = self.receiver.as_deref().unwrap_or_default();
        let mut lines = Vec::new();
        for (stage, time) in &self.stages {
            let what = match stage {
                Stage::SenderSignIn => format!("Sign-in of {}", self.sender),
                Stage::ReceiverSignIn => format!("Sign-in of {receiver}"),
                Stage::Invitation => "Invitation".to_owned(),
                Stage::Delivery => "Delivery".to_owned(),
                Stage::Answer => "Answer".to_owned(),
            };
            let failed = match self.failed_stage() {
                Some(failed) if failed == *stage => "failed after ",
                _ => "",
            };
            lines.push(format!("{what}: {failed}{} ms", time.as_millis()));
        }
        lines.push(self.sentence());
        lines
    }

    /// The result as a sentence.
    pub(crate) fn sentence(&self) -> String {
        let sender = &self.sender;
        let time = self.duration().as_millis();
        match (&self.failure, &self.receiver) {
            (Some(failure), _) => failure.message().to_owned(),
            (None, Some(receiver)) => format!("{sender} can reach {receiver}: {time} ms."),
            (None, None) => format!("{sender} can sign in: {time} ms."),
        }
    }

    /// The result as a JSON object.
    pub(crate) fn json(&self) -> String {
        let milliseconds = |time: &Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let json = Json {
            version: VERSION,
            event: "probe.result",
            time: rfc3339(self.time),
            sender: &self.sender,
            receiver: self.receiver.as_deref(),
            success: self.success(),
            exit_code: self.end().code(),
            failed_stage: self.failed_stage().map(Stage::name),
            sentence: self.sentence(),
            stages_ms: self
                .stages
                .iter()
                .map(|(stage, time)| (stage.name(), milliseconds(time)))
                .collect(),
            causes: self.failure.as_ref().map_or(&[], Failure::causes),
        };
        // Strings and numbers always have a JSON form.
        serde_json::to_string(&json).unwrap_or_default()
    }
}
