//! Where tokens of another issuer come from: like passwords, never from the command line.

use std::{env, io, thread, time::Duration};

use skype_p2p::{BearerToken, TokenQuestion};
use tokio::sync::oneshot;

use crate::complain;

const VARIABLE: &str = "SKYPE_P2P_TOKEN";

/// How long a token is taken to live, which nobody here says. A server that refuses it earlier makes for the next question.
const LIFE: Duration = Duration::from_secs(3600);

/// The token for a host: that of the environment variable, or else the next line of the standard input.
pub(crate) async fn ask(question: TokenQuestion) -> Option<BearerToken> {
    let token = match env::var(VARIABLE) {
        Ok(token) => token,
        Err(_) => {
            let page = question.authorization_uri.as_deref();
            complain(format_args!(
                "a token for {} is needed{}{}",
                question.host,
                page.map_or("", |_| ", by "),
                page.unwrap_or_default()
            ));
            line().await?
        }
    };
    let token = token.trim();
    (!token.is_empty()).then(|| BearerToken::new(token, LIFE))
}

/// The next line of the standard input, if there is one.
async fn line() -> Option<String> {
    let (sender, line) = oneshot::channel();
    // A thread that nobody waits for: a read of the standard input cannot be aborted.
    thread::spawn(move || {
        let mut text = String::new();
        if io::stdin().read_line(&mut text).is_ok() {
            // Whoever asked may have given up meanwhile.
            let _ = sender.send(text);
        }
    });
    line.await.ok()
}
