//! Redaction: a secret that was planted is nowhere in the decoded result.
#![no_main]

use std::{collections::BTreeSet, io::Write};

use base64::{
    Engine,
    alphabet::{STANDARD, URL_SAFE},
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use conv_transport::{Har, HarError};
use flate2::{Compression, write::GzEncoder};
use libfuzzer_sys::fuzz_target;
use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::{Value, json};

/// Each has characters that some encoding escapes. None of them is made of hexadecimal digits, which an escape before it could take in.
const SECRETS: [&str; 4] = ["sword'fish-Zq9!", "gr\u{e4}nted<token>&Zq", "zq\"t/oken+zq=", "Zq pass word zq"];

fuzz_target!(|bytes: &[u8]| {
    let mut choices = bytes.iter().copied();
    let mut next = || choices.next().unwrap_or_default();
    let secret = SECRETS[usize::from(next()) % SECRETS.len()];
    let is_known = next() % 2 == 0;
    let mut text = if is_known { format!("{}{secret}{}", junk(next()), junk(next())) } else { named(secret, next()) };
    let layers = next() % 5;
    for _ in 0..layers {
        text = layer(&text, next(), is_known.then(|| next()));
    }
    let place = next();
    let mut file = file(&text, place);
    if place % 3 == 1 {
        file = coded(file, next());
    }
    let file = file.to_string();
    let mut har = Har::from_slice(file.as_bytes()).expect("the file is JSON");
    let secrets: Vec<String> = is_known.then(|| secret.to_owned()).into_iter().collect();
    match har.redact(&secrets, &[]) {
        Ok(()) => {}
        Err(HarError::Secret { field, .. }) => panic!("left in {field:?}: {file}"),
        Err(_) => return,
    }
    let redacted = String::from_utf8(har.to_vec().expect("it can be written")).expect("it is text");
    let wanted = secret.to_lowercase();
    let value: Value = serde_json::from_str(&redacted).expect("it is JSON");
    for text in strings(&value) {
        for form in revealed(&text) {
            assert!(!form.to_lowercase().contains(&wanted), "{text}\n{file}");
        }
    }
});

/// Text beside a secret: none of it is part of an escape.
fn junk(choice: u8) -> &'static str {
    ["", "", "x", " ", "zy ", "\r\n", "a=", "{", "[\"", "<z>", "/", "\"", ",", "z:", "é", "--x\r\n"][usize::from(choice) % 16]
}

/// The secret as the value of a field by whose name it is dropped.
fn named(secret: &str, choice: u8) -> String {
    let form = utf8_percent_encode(secret, NON_ALPHANUMERIC);
    let xml = secret.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;");
    match choice % 12 {
        0 => json!({ "password": secret }).to_string(),
        1 => json!({ "a": [{ "Access-Token": [secret] }] }).to_string(),
        2 => json!([{ "value": secret, "name": "client_secret" }]).to_string(),
        3 => format!("x=1&Password={form}"),
        4 => format!("grant_type=x&flow={form}"),
        5 => format!("<a><Password>{xml}</Password></a>"),
        6 => format!("<input><property name=\"access_token\">{xml}</property></input>"),
        7 => format!("<s:Envelope><s:Body><x><Assertion a=\"{xml}\"/></x></s:Body></s:Envelope>"),
        8 => format!("https://pool/a?b=c&id_token={form}#d"),
        9 => format!("--b\r\nContent-Disposition: form-data; name=\"passwd\"\r\n\r\n{}\r\n--b--\r\n", secret),
        10 => format!("--b\r\nContent-Type: application/http\r\n\r\nHTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{}\r\n--b--\r\n", json!({ "token": secret })),
        _ => format!("https://user:{form}@pool/"),
    }
}

const SOME: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'%').add(b'&').add(b'+').add(b'=').add(b'<').add(b'>');

/// The text in another one.
fn layer(text: &str, choice: u8, beside: Option<u8>) -> String {
    let inner = match choice % 12 {
        0 => json!({ "x": text }).to_string(),
        1 => json!([1, { "x": { "y": [text] } }]).to_string().replace('<', "\\u003c").replace('\'', "\\u0027"),
        2 => format!("a=b&x={}", utf8_percent_encode(text, NON_ALPHANUMERIC)),
        3 => format!("/a/b?x={}&c", utf8_percent_encode(text, SOME).to_string().replace("%3C", "%3c")),
        4 => format!("<a>{}</a>", text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&#62;")),
        5 => format!("<a href=\"{}\"/>", text.replace('&', "&#x26;").replace('<', "&lt;").replace('"', "&#34;")),
        6 => BASE64_STANDARD.encode(text),
        7 => BASE64_URL_SAFE_NO_PAD.encode(text),
        8 => format!("data:text/plain;base64,{}", BASE64_STANDARD.encode(text)),
        9 => format!("data:text/plain,{}", utf8_percent_encode(text, NON_ALPHANUMERIC)),
        10 => format!("--q\r\nContent-Type: text/plain\r\n\r\n{text}\r\n--q--\r\n"),
        _ => utf8_percent_encode(text, NON_ALPHANUMERIC).to_string(),
    };
    match beside {
        Some(beside) if choice >= 128 => format!("{}{inner}{}", junk(beside), junk(beside / 16)),
        _ => inner,
    }
}

fn file(text: &str, place: u8) -> Value {
    let (mut request, mut response) = (json!({ "method": "POST", "url": "https://pool/" }), json!({ "status": 200 }));
    match place % 12 {
        0 | 2 => request["postData"] = json!({ "mimeType": "", "text": text }),
        3 => request["postData"] = json!({ "text": BASE64_STANDARD.encode(text), "encoding": "base64" }),
        5 => request["url"] = json!(format!("https://pool/?x={}", utf8_percent_encode(text, NON_ALPHANUMERIC))),
        6 => response["headers"] = json!([{ "name": "Location", "value": text }]),
        8 => response["content"] = json!({ "text": text, "mimeType": "text/html" }),
        9 => response["_x"] = json!({ "y": [text] }),
        11 => request["queryString"] = json!([{ "name": "x", "value": text }]),
        _ => response["content"] = json!({ "text": text, "mimeType": "application/json" }),
    }
    json!({ "log": { "entries": [{ "request": request, "response": response }] } })
}

/// The file with the body of its response as it was on the wire.
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
    *content = json!({ "text": BASE64_STANDARD.encode(bytes), "encoding": "base64", "mimeType": "text/plain" });
    file
}

fn strings(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(items) => items.iter().flat_map(strings).collect(),
        Value::Object(members) => members.iter().flat_map(|(name, value)| [vec![name.clone()], strings(value)].concat()).collect(),
        _ => Vec::new(),
    }
}

/// The text, and what it is without escapes and base64, as often as there are some.
fn revealed(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::from([text.to_owned()]);
    let mut new = vec![text.to_owned()];
    for _ in 0..6 {
        let mut newer = Vec::new();
        for text in &new {
            let percent = percent_decode_str(text).decode_utf8_lossy().into_owned();
            let form = percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
            let xml = ["&lt;<", "&gt;>", "&#62;>", "&quot;\"", "&#34;\"", "&#x26;&", "&amp;&"]
                .iter()
                .fold(text.clone(), |text, pair| text.replace(&pair[..pair.len() - 1], &pair[pair.len() - 1..]));
            let json = text.replace("\\u003c", "<").replace("\\u0027", "'").replace("\\\"", "\"").replace("\\/", "/").replace("\\\\", "\\");
            let mut decoded = vec![percent, form, xml, json];
            let is_digit = |c: char| c.is_ascii_alphanumeric() || "+/-_".contains(c);
            for run in text.split(|c| !is_digit(c)).filter(|run| run.len() >= 8) {
                for start in 0..4 {
                    let part = &run[start..];
                    let part = &part[..part.len() - usize::from(part.len() % 4 == 1)];
                    let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent).with_decode_allow_trailing_bits(true);
                    for alphabet in [STANDARD, URL_SAFE] {
                        if let Ok(bytes) = GeneralPurpose::new(&alphabet, config).decode(part) {
                            decoded.push(String::from_utf8_lossy(&bytes).into_owned());
                        }
                    }
                }
            }
            newer.extend(decoded.into_iter().filter(|text| found.len() < 2000 && found.insert(text.clone())));
        }
        new = newer;
    }
    found
}
