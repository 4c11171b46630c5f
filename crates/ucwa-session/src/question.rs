//! Questions to the caller, and the exchanges and tokens that wait for the answers.

use std::collections::BTreeMap;
use std::time::Duration;

use ucwa_proto::Origin;

use crate::auth::Source;
use crate::core::Core;
use crate::exchange::Exchange;
use crate::failure::{Failure, FailureKind, Stage};
use crate::io::{Answer, Output, Question};
use crate::keys::QuestionId;
use crate::timers::Timer;

/// The deadline for an answer that a program gives.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(120);
/// The deadline for a user who signs in at a page.
const SIGN_IN_TIMEOUT: Duration = Duration::from_secs(600);

/// The unanswered questions.
#[derive(Debug, Default)]
pub(crate) struct Questions(BTreeMap<QuestionId, Asked>);

/// The exchange or the token request that waits for an answer.
#[derive(Debug)]
enum Asked {
    /// An exchange with an untrusted host.
    Trust(Box<Exchange>, String),
    /// The pending GET that takes back the event channel, and the refusal of the previous one.
    TakeBack(Box<Exchange>, Failure),
    /// The token for an origin.
    Token(Origin, Source),
    /// The sign-in at a page, before the next request for a token of an origin.
    PassiveSignIn(Origin, Source),
}

impl Questions {
    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// The exchanges that wait for an answer.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = &Exchange> {
        self.0.values().filter_map(|asked| match asked {
            Asked::Trust(exchange, _) | Asked::TakeBack(exchange, _) => Some(&**exchange),
            Asked::Token(..) | Asked::PassiveSignIn(..) => None,
        })
    }

    /// Drops the exchanges that wait for an answer of the caller and for which `unwanted` is true.
    pub(crate) fn abandon(&mut self, unwanted: impl Fn(&Exchange) -> bool) {
        self.0.retain(|_, asked| match asked {
            Asked::Trust(exchange, _) | Asked::TakeBack(exchange, _) => !unwanted(exchange),
            Asked::Token(..) | Asked::PassiveSignIn(..) => true,
        });
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }
}

impl Core {
    pub(crate) fn ask_trust(&mut self, exchange: Exchange, origin: &Origin) {
        let to = origin.host().to_owned();
        let question = Question::Trust {
            from: self.trust.anchor().to_owned(),
            to: to.clone(),
        };
        self.ask(
            question,
            ANSWER_TIMEOUT,
            Asked::Trust(Box::new(exchange), to),
        );
    }

    /// Asks the caller whether to send a pending GET that takes back the event channel. `refusal` is the result without a
    /// positive answer.
    pub(crate) fn ask_take_back(&mut self, poll: Exchange, refusal: Failure) {
        let asked = Asked::TakeBack(Box::new(poll), refusal);
        self.ask(Question::TakeBack, ANSWER_TIMEOUT, asked);
    }

    /// Asks the caller for the token of another issuer.
    pub(crate) fn ask_token(&mut self, key: Origin, source: Source) {
        let Source::Outside {
            authorization_uri,
            client_id,
            trusted_issuers,
        } = source.clone()
        else {
            return;
        };
        let question = Question::Token {
            host: key.host().to_owned(),
            authorization_uri,
            client_id,
            trusted_issuers,
        };
        self.ask(question, ANSWER_TIMEOUT, Asked::Token(key, source));
    }

    pub(crate) fn ask_passive(&mut self, key: Origin, source: Source, uri: String) {
        let asked = Asked::PassiveSignIn(key, source);
        self.ask(Question::PassiveSignIn { uri }, SIGN_IN_TIMEOUT, asked);
    }

    fn ask(&mut self, question: Question, timeout: Duration, asked: Asked) {
        let id = QuestionId(self.number());
        self.outputs.push_back(Output::Ask {
            id,
            question,
            deadline: self.now.saturating_add(timeout),
        });
        self.arm(timeout, Timer::Unanswered(id));
        self.questions.0.insert(id, asked);
    }

    /// Handles an answer, or its absence at the deadline. Only a matching positive answer counts as consent.
    pub(crate) fn on_answer_to(&mut self, id: QuestionId, answer: Option<Answer>) {
        let Some(asked) = self.questions.0.remove(&id) else {
            return;
        };
        self.cancel_timers(|timer| matches!(timer, Timer::Unanswered(other) if *other == id));
        match (asked, answer) {
            (Asked::Trust(exchange, host), Some(Answer::Trust(true))) => {
                self.trust.approve(&host);
                self.issue(*exchange);
            }
            (Asked::Trust(exchange, host), _) => {
                let failure =
                    Failure::new(FailureKind::Untrusted, exchange.purpose.stage()).with_host(host);
                self.finish(*exchange, Err(failure));
            }
            (Asked::TakeBack(poll, _), Some(Answer::TakeBack(true))) => self.issue(*poll),
            (Asked::TakeBack(poll, refusal), _) => self.finish(*poll, Err(refusal)),
            (Asked::Token(key, source), Some(Answer::Token(Some(token)))) => {
                self.on_token_from_outside(&key, source, &token);
            }
            (Asked::PassiveSignIn(key, source), Some(Answer::PassiveSignIn(true))) => {
                self.request_token_after_sign_in(key, source);
            }
            (Asked::Token(key, _) | Asked::PassiveSignIn(key, _), _) => {
                let failure = Failure::new(FailureKind::InvalidCredentials, Stage::Authentication)
                    .with_host(key.host())
                    .with_message("the caller did not provide the token or the sign-in that the server requires");
                self.fail_renewal(&key, &failure);
            }
        }
    }
}
