//! Generates HAR files that contain a secret under several layers of documents and encodings, and searches files for it.
//!
//! The fuzz target `redact` and the test `a_secret_under_any_layers_is_dropped` share this file.

use std::{collections::BTreeSet, io::Write};

use base64::{
    Engine,
    alphabet::{STANDARD, URL_SAFE},
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use flate2::{Compression, write::GzEncoder};
use percent_encoding::{
    AsciiSet, CONTROLS, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode,
};
use serde_json::{Value, json};

/// The secrets. Each has characters that some encoding escapes. No secret begins with hexadecimal digits, which could become part of
/// an escape before it.
const SECRETS: [&str; 4] = [
    "sword'fish-Zq9!",
    "gr\u{e4}nted<token>&Zq",
    "zq\"t/oken+zq=",
    "Zq pass word zq",
];

/// A HAR file that contains a secret.
pub(crate) struct Planted {
    pub(crate) file: String,
    secret: &'static str,
    /// Whether the secret is passed to the redaction. Otherwise the secret is the value of a field with a secret name.
    is_known: bool,
}

impl Planted {
    /// Generates a file from a sequence of choices.
    pub(crate) fn new(choices: impl IntoIterator<Item = u8>) -> Self {
        let mut choices = choices.into_iter();
        let mut next = || choices.next().unwrap_or_default();
        let secret = SECRETS[usize::from(next()) % SECRETS.len()];
        let is_known = next().is_multiple_of(2);
        let mut text = if is_known {
            format!("{}{secret}{}", junk(next()), junk(next()))
        } else {
            named(secret, next())
        };
        let layers = next() % 5;
        for _ in 0..layers {
            text = layer(&text, next(), is_known.then(&mut next));
        }
        let place = next();
        let mut file = file(&text, place);
        if place % 3 == 1 {
            file = coded(file, next());
        }
        Self {
            file: file.to_string(),
            secret,
            is_known,
        }
    }

    /// Returns the secrets that must be passed to the redaction.
    pub(crate) fn secrets(&self) -> impl Iterator<Item = String> {
        self.is_known.then(|| self.secret.to_owned()).into_iter()
    }

    /// Returns a text of the file that still contains the secret, in any spelling.
    pub(crate) fn left_in(&self, file: &str) -> Option<String> {
        let wanted = self.secret.to_lowercase();
        let value: Value = serde_json::from_str(file).expect("the file is JSON");
        strings(&value).into_iter().find(|text| {
            revealed(text)
                .iter()
                .any(|form| form.to_lowercase().contains(&wanted))
        })
    }
}

/// Returns text to put beside a secret. No part of the text belongs to an escape.
fn junk(choice: u8) -> &'static str {
    const JUNK: [&str; 16] = [
        "", "", "x", " ", "zy ", "\r\n", "a=", "{", "[\"", "<z>", "/", "\"", ",", "z:", "é",
        "--x\r\n",
    ];
    JUNK[usize::from(choice) % JUNK.len()]
}

/// Returns a document with the secret as the value of a field with a secret name.
fn named(secret: &str, choice: u8) -> String {
    let form = utf8_percent_encode(secret, NON_ALPHANUMERIC);
    let xml = secret
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('"', "&quot;");
    match choice % 19 {
        0 => json!({ "password": secret }).to_string(),
        1 => json!({ "a": [{ "Access-Token": [secret] }] }).to_string(),
        2 => json!([{ "value": secret, "name": "client_secret" }]).to_string(),
        3 => format!("x=1&Password={form}"),
        4 => format!("grant_type=x&flow={form}"),
        5 => format!("<a><Password>{xml}</Password></a>"),
        6 => format!("<input><property name=\"access_token\">{xml}</property></input>"),
        7 => format!("<s:Envelope><s:Body><x><Assertion a=\"{xml}\"/></x></s:Body></s:Envelope>"),
        8 => format!("https://pool/a?b=c&id_token={form}#d"),
        9 => format!(
            "--b\r\nContent-Disposition: form-data; name=\"passwd\"\r\n\r\n{secret}\r\n--b--\r\n"
        ),
        10 => batch(&format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{}",
            json!({ "token": secret })
        )),
        11 => format!("wa=wsignin1.0&wctx={form}"),
        12 => format!("<s:Envelope><s:Body><Context>{xml}</Context></s:Body></s:Envelope>"),
        13 => format!(
            "--b\r\nContent-Disposition: form-data; name=\"grant_type\"\r\n\r\nx\r\n--b\r\nContent-Disposition: form-data; name=\"flow\"\r\n\r\n{secret}\r\n--b--\r\n"
        ),
        14 => json!({ "user": "x", "password": "y", "flow": [secret] }).to_string(),
        15 => format!(
            "--b\r\nContent-Disposition: form-data; name*=UTF-8''p%61ssword\r\n\r\n{secret}\r\n--b--\r\n"
        ),
        16 => batch(&format!(
            "HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{{}}\r\nHTTP/1.1 200 OK\r\nX-Auth-Token: {form}\r\n\r\n"
        )),
        17 => {
            let body = json!({ "token": secret }).to_string();
            let (first, second) = body.split_at(body.len() - 6);
            batch(&format!(
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{first}\r\n6\r\n{second}\r\n0\r\n\r\n",
                first.len()
            ))
        }
        _ => format!("https://user:{form}@pool/"),
    }
}

/// Returns a batch with this part.
fn batch(part: &str) -> String {
    format!("--b\r\nContent-Type: application/http\r\n\r\n{part}\r\n--b--\r\n")
}

const SOME: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'&')
    .add(b'+')
    .add(b'=')
    .add(b'<')
    .add(b'>');

/// Wraps the text in another document or encoding. `beside` selects text to put beside the result.
fn layer(text: &str, choice: u8, beside: Option<u8>) -> String {
    let inner = match choice % 18 {
        0 => json!({ "x": text }).to_string(),
        1 => json!([1, { "x": { "y": [text] } }])
            .to_string()
            .replace('<', "\\u003c")
            .replace('\'', "\\u0027"),
        2 => format!("a=b&x={}", utf8_percent_encode(text, NON_ALPHANUMERIC)),
        3 => format!(
            "/a/b?x={}&c",
            utf8_percent_encode(text, SOME)
                .to_string()
                .replace("%3C", "%3c")
        ),
        4 => format!(
            "<a>{}</a>",
            text.replace('&', "&amp;")
                .replace('<', "&lt;")
                .replace('>', "&#62;")
        ),
        5 => format!(
            "<a href=\"{}\"/>",
            text.replace('&', "&#x26;")
                .replace('<', "&lt;")
                .replace('"', "&#34;")
        ),
        6 => BASE64_STANDARD.encode(text),
        7 => BASE64_URL_SAFE_NO_PAD.encode(text),
        8 => format!("data:text/plain;base64,{}", BASE64_STANDARD.encode(text)),
        9 => format!(
            "data:text/plain,{}",
            utf8_percent_encode(text, NON_ALPHANUMERIC)
        ),
        10 => format!("--q\r\nContent-Type: text/plain\r\n\r\n{text}\r\n--q--\r\n"),
        11 => format!("--b\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\n{text}\r\n--b--"),
        12 => format!(
            "--q\r\nContent-Transfer-Encoding: base64\r\n\r\n{}\r\n--q--\r\n",
            BASE64_STANDARD.encode(text)
        ),
        13 => format!(
            "--b\r\nContent-Type: application/http\r\n\r\nPOST /a HTTP/1.1\r\nContent-Type: text/plain\r\n\r\n{text}\r\n--b--\r\n"
        ),
        14 => format!(
            "--qq\r\nContent-Type: multipart/mixed; boundary=q\r\n\r\n{text}\r\n--qq\r\n\r\nx\r\n--qq--\r\n"
        ),
        15 => format!("--q\n\nx\n--q\nContent-Type: application/json\n\n{text}\n--q--\n"),
        16 => format!("{text}\r\n--q\r\n\r\nx\r\n--q--\r\n{text}"),
        _ => utf8_percent_encode(text, NON_ALPHANUMERIC).to_string(),
    };
    match beside {
        Some(beside) if choice >= 128 => format!("{}{inner}{}", junk(beside), junk(beside / 16)),
        _ => inner,
    }
}

fn file(text: &str, place: u8) -> Value {
    let mut request = json!({ "method": "POST", "url": "https://pool/" });
    let mut response = json!({ "status": 200 });
    match place % 12 {
        0 | 2 => request["postData"] = json!({ "mimeType": "", "text": text }),
        3 => {
            request["postData"] =
                json!({ "text": BASE64_STANDARD.encode(text), "encoding": "base64" });
        }
        5 => {
            request["url"] = json!(format!(
                "https://pool/?x={}",
                utf8_percent_encode(text, NON_ALPHANUMERIC)
            ));
        }
        6 => response["headers"] = json!([{ "name": "Location", "value": text }]),
        8 => response["content"] = json!({ "text": text, "mimeType": "text/html" }),
        9 => response["_x"] = json!({ "y": [text] }),
        11 => request["queryString"] = json!([{ "name": "x", "value": text }]),
        _ => response["content"] = json!({ "text": text, "mimeType": "application/json" }),
    }
    json!({ "log": { "entries": [{ "request": request, "response": response }] } })
}

/// Replaces the body of the response by its base64, as gzip, UTF-16 or UTF-8.
fn coded(mut file: Value, choice: u8) -> Value {
    let Some(content) = file.pointer_mut("/log/entries/0/response/content") else {
        return file;
    };
    let text = content["text"].as_str().unwrap_or_default().to_owned();
    let bytes = match choice % 3 {
        0 => {
            let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
            gzip.write_all(text.as_bytes()).expect("memory takes it");
            gzip.finish().expect("memory takes it")
        }
        1 => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        _ => text.into_bytes(),
    };
    *content = json!({
        "text": BASE64_STANDARD.encode(bytes),
        "encoding": "base64",
        "mimeType": "text/plain",
    });
    file
}

fn strings(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(items) => items.iter().flat_map(strings).collect(),
        Value::Object(members) => members
            .iter()
            .flat_map(|(name, value)| [vec![name.clone()], strings(value)].concat())
            .collect(),
        _ => Vec::new(),
    }
}

/// Returns the text and all its decoded forms, through several layers of escapes and base64.
fn revealed(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::from([text.to_owned()]);
    let mut new = vec![text.to_owned()];
    for _ in 0..6 {
        let mut newer = Vec::new();
        for text in &new {
            newer.extend(
                decoded(text)
                    .into_iter()
                    .filter(|text| found.len() < 2000 && found.insert(text.clone())),
            );
        }
        new = newer;
    }
    found
}

/// Returns the text decoded by one layer of each kind of encoding.
fn decoded(text: &str) -> Vec<String> {
    let percent = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let xml = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&#62;", ">"),
        ("&quot;", "\""),
        ("&#34;", "\""),
        ("&#x26;", "&"),
        ("&amp;", "&"),
    ];
    let json = [
        ("\\u003c", "<"),
        ("\\u0027", "'"),
        ("\\\"", "\""),
        ("\\/", "/"),
        ("\\\\", "\\"),
    ];
    let without = |pairs: &[(&str, &str)]| {
        pairs
            .iter()
            .fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
    };
    let mut decoded = vec![
        percent(text),
        percent(&text.replace('+', " ")),
        without(&xml),
        without(&json),
    ];
    let is_digit = |c: char| c.is_ascii_alphanumeric() || "+/-_".contains(c);
    let runs = text.split(|c| !is_digit(c)).filter(|run| run.len() >= 8);
    for part in runs.flat_map(|run| (0..4).map(move |start| &run[start..])) {
        let part = &part[..part.len() - usize::from(part.len() % 4 == 1)];
        let config = GeneralPurposeConfig::new()
            .with_decode_padding_mode(DecodePaddingMode::Indifferent)
            .with_decode_allow_trailing_bits(true);
        for alphabet in [STANDARD, URL_SAFE] {
            if let Ok(bytes) = GeneralPurpose::new(&alphabet, config).decode(part) {
                decoded.push(String::from_utf8_lossy(&bytes).into_owned());
            }
        }
    }
    decoded
}
