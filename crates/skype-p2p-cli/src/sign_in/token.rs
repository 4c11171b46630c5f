//! The tokens of another issuer. Like passwords, they are never on the command line.

use std::{env, io, thread, time::Duration};

use skype_p2p::{BearerToken, TokenQuestion};
use tokio::sync::oneshot;

use crate::console::complain;

/// The assumed lifetime of a token, which its text does not tell. If the server refuses the token earlier, the next one is
/// read then.
const LIFE: Duration = Duration::from_secs(3600);

/// The token for a host: that of this environment variable, or else the next line of standard input.
pub(crate) async fn ask(variable: &str, question: TokenQuestion) -> Option<BearerToken> {
    let token = match env::var(variable) {
        Ok(token) => token,
        Err(_) => {
            let page = question.authorization_uri.as_deref();
            let where_from = page.map_or_else(String::new, |page| format!(" Get one at {page}"));
            complain(format_args!(
                "A token for {} is needed.{where_from}",
                question.host
            ));
            line().await?
        }
    };
    let token = token.trim();
    (!token.is_empty()).then(|| BearerToken::new(token, LIFE))
}

/// The next line of standard input, if there is one.
async fn line() -> Option<String> {
    let (sender, line) = oneshot::channel();
    // A thread of its own, which no task awaits: a read of standard input cannot be aborted.
    thread::spawn(move || {
        let mut text = String::new();
        if io::stdin().read_line(&mut text).is_ok() {
            // The receiver may have timed out.
            let _ = sender.send(text);
        }
    });
    line.await.ok()
}
