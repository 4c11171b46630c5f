//! `cargo xtask decode`: a payload as canonical JSON.

use std::{
    io::{self, Read},
    path::PathBuf,
    process::ExitCode,
};

use clap::ValueEnum;
use serde_json::{Value, json};
use ucwa_proto::{
    DecodeError, DecodeErrorKind, EventPage, Limits, OAuthError, Problem, Representation, Resource,
    TokenResponse,
    batch::{Request, Response},
};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// What the payload is; an event page or a resource if not given, by its looks
    #[arg(long)]
    kind: Option<Kind>,
    /// How it is written; by its looks if not given
    #[arg(long)]
    format: Option<Format>,
    /// The file, or `-` for standard input
    file: PathBuf,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    Resource,
    #[value(alias = "request-input")]
    Input,
    Event,
    Error,
    Token,
    Discovery,
    Batch,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Json,
    Xml,
    #[value(alias = "mime")]
    Batch,
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    let body = match read(&arguments.file) {
        Ok(body) => body,
        Err(error) => {
            eprintln!("{}: {error}", arguments.file.display());
            return ExitCode::FAILURE;
        }
    };
    match decode(&body, arguments.kind, arguments.format) {
        Ok(text) => {
            println!("{text}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{}: {error}", arguments.file.display());
            ExitCode::FAILURE
        }
    }
}

fn read(file: &std::path::Path) -> io::Result<Vec<u8>> {
    if file.as_os_str() != "-" {
        return std::fs::read(file);
    }
    let mut body = Vec::new();
    io::stdin().read_to_end(&mut body)?;
    Ok(body)
}

fn decode(body: &[u8], kind: Option<Kind>, format: Option<Format>) -> Result<String, DecodeError> {
    let limits = Limits::default();
    let representation = match format.unwrap_or_else(|| looks(body)) {
        Format::Json => Representation::Json,
        Format::Xml => Representation::Xml,
        Format::Batch => return batch(body, &limits),
    };
    let resource = || Resource::decode(body, representation, &limits);
    let canonical = match kind {
        Some(Kind::Batch) => return batch(body, &limits),
        Some(Kind::Event) => page(body, representation, &limits)?,
        Some(Kind::Error) => {
            Problem::decode(body, representation, &limits)?.encode(Representation::Json)
        }
        Some(Kind::Token) => match TokenResponse::decode(body, &limits) {
            Ok(token) => token.encode(),
            Err(_) => OAuthError::decode(body, &limits)?.encode(),
        },
        Some(Kind::Resource | Kind::Input | Kind::Discovery) => {
            resource()?.encode(Representation::Json)
        }
        None => match resource() {
            Ok(resource) if resource.property("sender").is_some() => {
                page(body, representation, &limits)?
            }
            Ok(resource) => resource.encode(Representation::Json),
            Err(error) if matches!(error.kind(), DecodeErrorKind::Structure(_)) => {
                page(body, representation, &limits).map_err(|_| error)?
            }
            Err(error) => return Err(error),
        },
    };
    Ok(String::from_utf8_lossy(&canonical).into_owned())
}

fn page(
    body: &[u8],
    representation: Representation,
    limits: &Limits,
) -> Result<Vec<u8>, DecodeError> {
    let page = EventPage::decode(body, representation, limits)?;
    for part in &page.malformed {
        let href = part.link.as_ref().map_or("", |link| &link.href);
        eprintln!("left out: {} {href}", part.error);
    }
    Ok(page.encode(Representation::Json))
}

fn looks(body: &[u8]) -> Format {
    let body = body
        .strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(body)
        .trim_ascii_start();
    if body.starts_with(b"<") {
        Format::Xml
    } else if body.starts_with(b"--") {
        Format::Batch
    } else {
        Format::Json
    }
}

fn batch(body: &[u8], limits: &Limits) -> Result<String, DecodeError> {
    let headers = |headers: &[ucwa_proto::batch::Header<'_>]| -> Value {
        headers
            .iter()
            .map(|(name, value)| json!([name, value]))
            .collect()
    };
    let parts: Value = match Response::decode_batch(body, None, limits) {
        Ok(responses) => responses
            .iter()
            .map(|r| json!({ "status": r.status, "reason": r.reason, "headers": headers(&r.headers), "body": inner(&r.body) }))
            .collect(),
        Err(as_responses) => Request::decode_batch(body, None, limits)
            .map_err(|as_requests| if as_requests.position() < as_responses.position() { as_responses } else { as_requests })?
            .iter()
            .map(|r| json!({ "method": r.method, "target": r.target, "headers": headers(&r.headers), "body": inner(&r.body) }))
            .collect(),
    };
    Ok(json!({ "parts": parts }).to_string())
}

/// The body of a part: decoded if it can be, as text if not, `null` if there is none.
fn inner(body: &[u8]) -> Value {
    if body.is_empty() {
        return Value::Null;
    }
    decode(body, None, None)
        .ok()
        .and_then(|canonical| serde_json::from_str(&canonical).ok())
        .unwrap_or_else(|| String::from_utf8_lossy(body).into())
}
