//! Tests that no secret remains in a recording or in a redacted file, whatever document contains the secret.

use std::{io::Write, time::Duration};

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use conv_transport::{Har, HttpTransport, Record, RecordOptions};
use flate2::{Compression, write::DeflateEncoder, write::GzEncoder};
use http::{Request, Response};
use serde_json::{Value, json};

use crate::scripted::{Scripted, commands};

mod files;
mod nesting;
mod planted;

const FORM: &str = "application/x-www-form-urlencoded";

fn request(url: &str) -> http::request::Builder {
    Request::post(url)
}

fn form(body: &str) -> Request<Bytes> {
    typed(FORM, body)
}

fn typed(content_type: &str, body: &str) -> Request<Bytes> {
    request("https://adfs.contoso.com/adfs/ls/")
        .header("content-type", content_type)
        .body(Bytes::from(body.to_owned()))
        .unwrap()
}

fn plain() -> Request<Bytes> {
    request("https://pool.contoso.com/")
        .body(Bytes::new())
        .unwrap()
}

fn answer(headers: &[(&str, &str)], body: impl Into<Bytes>) -> Response<Bytes> {
    let builder = headers
        .iter()
        .fold(Response::builder(), |builder, (name, value)| {
            builder.header(*name, *value)
        });
    builder.body(body.into()).unwrap()
}

fn ok(body: &str) -> Response<Bytes> {
    answer(&[], body.to_owned())
}

/// Records one exchange, and returns the recording as a file.
async fn recorded(request: Request<Bytes>, response: Response<Bytes>, secrets: &[&str]) -> String {
    let mut options =
        RecordOptions::new(std::time::UNIX_EPOCH + Duration::from_secs(1_425_204_000));
    options.secrets = secrets.iter().map(|secret| (*secret).to_owned()).collect();
    let transport = Scripted::new(move |_| (Duration::ZERO, Ok(response.clone())));
    let record = Record::new(transport, options);
    record.send(request, commands()).await.unwrap();
    String::from_utf8(record.har().to_vec().unwrap()).unwrap()
}

/// Redacts the same exchange in a file of another program.
fn redacted(request: &Request<Bytes>, response: &Response<Bytes>, secrets: &[&str]) -> String {
    let headers = |headers: &http::HeaderMap| -> Value {
        let headers = headers.iter();
        headers
            .map(|(name, value)| json!({ "name": name.as_str(), "value": value.to_str().unwrap() }))
            .collect()
    };
    let coded = |body: &Bytes| match std::str::from_utf8(body) {
        Ok(text) => (text.to_owned(), Value::Null),
        Err(_) => (BASE64_STANDARD.encode(body), json!("base64")),
    };
    let (sent, sent_encoding) = coded(request.body());
    let (received, received_encoding) = coded(response.body());
    let kind = request.headers().get("content-type");
    let file = json!({ "log": { "entries": [{
        "startedDateTime": "2015-03-01T10:00:00Z",
        "request": {
            "method": "POST", "url": request.uri().to_string(), "headers": headers(request.headers()),
            "postData": { "mimeType": kind.map(|kind| kind.to_str().unwrap()), "text": sent, "encoding": sent_encoding },
        },
        "response": { "status": 200, "headers": headers(response.headers()), "content": { "text": received, "encoding": received_encoding } },
    }] } });
    let mut har = Har::from_slice(file.to_string().as_bytes()).unwrap();
    let secrets: Vec<String> = secrets.iter().map(|secret| (*secret).to_owned()).collect();
    har.redact(&secrets, &[]).unwrap();
    String::from_utf8(har.to_vec().unwrap()).unwrap()
}

/// Records and redacts an exchange, and checks that none of the texts in `hidden` remains.
async fn assert_hidden(
    case: &str,
    request: Request<Bytes>,
    response: Response<Bytes>,
    secrets: &[&str],
    hidden: &[&str],
) {
    for file in [
        redacted(&request, &response, secrets),
        recorded(request, response, secrets).await,
    ] {
        for hidden in hidden {
            assert!(!file.contains(hidden), "{case}: {hidden} in {file}");
        }
        // A second redaction does not change the file.
        let mut har = Har::from_slice(file.as_bytes()).unwrap();
        let before = har.clone();
        har.redact(&[], &[]).unwrap();
        assert!(har == before, "{case}: {file}");
    }
}

#[tokio::test(start_paused = true)]
async fn values_that_the_client_sends_are_dropped_by_field_name() {
    let secret = "swordfish-2015";
    for (case, request) in [
        (
            "the form of AD FS",
            form("UserName=contoso%5Ctoshm&Password=swordfish-2015&AuthMethod=FormsAuthentication"),
        ),
        (
            "capitals",
            form("grant_type=password&PASSWORD=swordfish-2015"),
        ),
        ("another word", form("passwd=swordfish-2015")),
        ("escapes in the name", form("p%61ssw%6Frd=swordfish-2015")),
        ("a name in a value", form("a=b\r\npassword=swordfish-2015")),
        (
            "a field of a sign-in form that no replay needs",
            form("wa=wsignin1.0&wctx=swordfish-2015"),
        ),
        ("SAML", form("wa=wsignin1.0&wresult=swordfish-2015")),
        (
            "a code",
            form("grant_type=authorization_code&code=swordfish-2015"),
        ),
        (
            "an assertion",
            form("client_assertion_type=x&client_assertion=swordfish-2015"),
        ),
        (
            "JSON",
            typed(
                "application/json",
                r#"{"username":"toshm","password":"swordfish-2015"}"#,
            ),
        ),
        (
            "JSON in JSON",
            typed(
                "application/json",
                r#"{"x":"{\"pass\\u0077ord\":\"swordfish-2015\"}"}"#,
            ),
        ),
        (
            "JSON under a name",
            typed(
                "application/json",
                r#"{"credentials":[{"kind":"swordfish-2015"}]}"#,
            ),
        ),
        (
            "JSON with pairs",
            typed(
                "application/json",
                r#"[{"value":"swordfish-2015","name":"Password"}]"#,
            ),
        ),
        (
            "JSON with pairs around others",
            typed(
                "application/json",
                r#"[{"a":{"b":1},"value":"swordfish-2015","name":"Password"}]"#,
            ),
        ),
        (
            "a field of XML",
            typed(
                "application/xml",
                "<field name='password' value='swordfish-2015'/>",
            ),
        ),
        (
            "two members of a script",
            typed(
                "text/javascript",
                "login({password: 'other', token: 'swordfish-2015'})",
            ),
        ),
        (
            "JSON that is called a form",
            typed(FORM, r#"{"password":"swordfish-2015"}"#),
        ),
        (
            "JSON that was cut off",
            typed("application/json", r#"{"password":"swordfish-2015"#),
        ),
        (
            "a script",
            typed("text/javascript", "login({password: 'swordfish-2015'})"),
        ),
        (
            "SOAP",
            typed(
                "application/soap+xml",
                "<s:Envelope><s:Body><o:UsernameToken><o:Username>t</o:Username><o:Password Type='t'>swordfish-2015</o:Password></o:UsernameToken></s:Body></s:Envelope>",
            ),
        ),
        (
            "SOAP that names it otherwise",
            typed(
                "text/xml",
                "<Envelope><Body><Context>swordfish-2015</Context></Body></Envelope>",
            ),
        ),
        (
            "a property",
            typed(
                "application/xml",
                "<input><property name=\"Password\">swordfish-2015</property></input>",
            ),
        ),
        (
            "an attribute",
            typed("application/xml", "<user password='swordfish-2015'/>"),
        ),
        (
            "a part of a form",
            typed(
                "multipart/form-data; boundary=b",
                "--b\r\nContent-Disposition: form-data; name=\"password\"\r\n\r\nswordfish-2015\r\n--b--",
            ),
        ),
        (
            "a part in base64",
            typed(
                "multipart/form-data; boundary=b",
                "--b\r\nContent-Transfer-Encoding: base64\r\nContent-Type: application/json\r\n\r\neyJwYXNzd29yZCI6InN3b3JkZmlzaC0yMDE1In0=\r\n--b--",
            ),
        ),
        (
            "a part with soft breaks",
            typed(
                "multipart/form-data; boundary=b",
                "--b\r\nContent-Transfer-Encoding: quoted-printable\r\nContent-Type: application/json\r\n\r\n{\"pass=77ord\":\"sword=\r\nfish-2015\"}\r\n--b--",
            ),
        ),
        (
            "a batch",
            typed(
                "multipart/batching; boundary=b",
                "--b\r\nContent-Type: application/http\r\n\r\nPOST /a HTTP/1.1\r\nAuthorization: Bearer swordfish-2015\r\n\r\n\r\n--b\r\nContent-Type: application/http\r\n\r\nGET /b?access_token=swordfish-2015 HTTP/1.1\r\n\r\n\r\n--b--",
            ),
        ),
        (
            "a data URI",
            typed(
                "application/json",
                r#"{"href":"data:application/json;base64,eyJwYXNzd29yZCI6InN3b3JkZmlzaC0yMDE1In0="}"#,
            ),
        ),
        (
            "JSON under escapes",
            typed("text/plain", "%7B%22password%22%3A%22swordfish-2015%22%7D"),
        ),
        (
            "base64 in base64",
            typed(
                "text/plain",
                &BASE64_STANDARD.encode(BASE64_STANDARD.encode(r#"{"password":"swordfish-2015"}"#)),
            ),
        ),
        (
            "JSON in a URL",
            request("https://a.contoso.com/?x=1")
                .header("referer", "/a?x={%22password%22:%22swordfish-2015%22}&y")
                .body(Bytes::new())
                .unwrap(),
        ),
        (
            "a query behind escapes in the path",
            request("https://a.contoso.com/")
                .header(
                    "referer",
                    "https://a.contoso.com/b%20c/?password=swordfish-2015",
                )
                .body(Bytes::new())
                .unwrap(),
        ),
        (
            "a query",
            request("https://a.contoso.com/?password=swordfish-2015")
                .body(Bytes::new())
                .unwrap(),
        ),
        (
            "a URL in a URL",
            request("https://a.contoso.com/?ru=https%3A%2F%2Fh%2F%3Faccess_token%3Dswordfish-2015")
                .body(Bytes::new())
                .unwrap(),
        ),
        (
            "the user of a URL",
            request("https://a.contoso.com/")
                .header("referer", "https://toshm:swordfish-2015@a.contoso.com/")
                .body(Bytes::new())
                .unwrap(),
        ),
        (
            "a header",
            request("https://a.contoso.com/")
                .header("x-auth-token", "swordfish-2015")
                .body(Bytes::new())
                .unwrap(),
        ),
        (
            "a proxy's credentials",
            request("https://a.contoso.com/")
                .header("proxy-authorization", "Basic dG9zaG06c3dvcmRmaXNoLTIwMTU=")
                .body(Bytes::from("x=swordfish-2015"))
                .unwrap(),
        ),
    ] {
        assert_hidden(
            case,
            request,
            ok(""),
            &[],
            &[secret, "swordfish", "c3dvcmRmaXNo", "zd29yZGZpc2"],
        )
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn values_that_the_server_grants_are_dropped_by_field_name() {
    for (case, response) in [
        ("JSON", ok(r#"{"access_token":"cwt=GRANTED-2015"}"#)),
        (
            "another spelling",
            ok(r#"{"Access_Token":"cwt=GRANTED-2015","accessToken":"cwt=GRANTED-2016"}"#),
        ),
        (
            "a byte order mark",
            ok("\u{feff}{\"id_token\":\"cwt=GRANTED-2015\"}"),
        ),
        (
            "JSON that was cut off",
            ok(r#"{"access_token":"cwt=GRANTED-2015","#),
        ),
        ("a list", ok(r#"{"tokens":[{"a":["cwt=GRANTED-2015"]}]}"#)),
        (
            "a part of a batch",
            answer(
                &[("content-type", "multipart/batching; boundary=b")],
                "--b\r\nContent-Type: application/http\r\n\r\nHTTP/1.1 200 OK\r\n\r\n{\"access_token\":\"cwt=GRANTED-2015\"}\r\n--b--",
            ),
        ),
        (
            "WS-Trust",
            ok(
                "<wst:RequestedSecurityToken><saml:Assertion ID='GRANTED-2015'>GRANTED-2015</saml:Assertion></wst:RequestedSecurityToken>",
            ),
        ),
        (
            "an element",
            ok(
                "<?xml version='1.0'?><a><access_token><![CDATA[cwt=GRANTED-2015]]></access_token></a>",
            ),
        ),
        (
            "a link in JSON",
            ok(r#"{"href":"/a?x=1\u0026access_token=cwt%3DGRANTED-2015"}"#),
        ),
        (
            "a link in XML",
            ok("<link href=\"/a?x=1&amp;access_token=cwt%3DGRANTED-2015\"/>"),
        ),
        (
            "the form of a sign-in page",
            answer(
                &[("content-type", "text/html")],
                "<html><form><input type=hidden name=wresult value='GRANTED-2015'><input name=flow value=GRANTED-2016><input id=password value=GRANTED-2017></form><p data-flow='GRANTED-2018' onclick='go(GRANTED-2019)'/><script>var c = {x:'GRANTED-2020'}</script><style>GRANTED-2021</style></html>",
            ),
        ),
        (
            "a redirection",
            answer(
                &[("location", "https://page/?code=GRANTED-2015&state=1")],
                "",
            ),
        ),
        (
            "a fragment",
            answer(
                &[("location", "https://page/#id_token=GRANTED-2015&state=1")],
                "",
            ),
        ),
        (
            "a handshake",
            answer(&[("www-authenticate", "NTLM R1JBTlRFRC0yMDE1")], ""),
        ),
        (
            "a cookie",
            answer(
                &[("set-cookie", "ticket=GRANTED-2015; path=/")],
                "see GRANTED-2015",
            ),
        ),
        ("a header", answer(&[("x-ms-token", "GRANTED-2015")], "")),
    ] {
        assert_hidden(case, plain(), response, &[], &["GRANTED", "R1JBTlRFRC"]).await;
    }
    // The other members in the response of a token service are kept only if a replay needs them.
    let granted = r#"{"access_token":"cwt=GRANTED-2015","flow":"GRANTED-2016","expires_in":3600,"ms_rtc_identityscope":"local"}"#;
    let grant = form("grant_type=password&username=toshm%40contoso.com&password=x");
    let file = recorded(grant, ok(granted), &[]).await;
    assert!(!file.contains("GRANTED"), "{file}");
    assert!(
        file.contains(r#"\"expires_in\":3600,\"ms_rtc_identityscope\":\"local\""#),
        "{file}"
    );
    assert!(
        file.contains("grant_type=password&username=toshm%40contoso.com&password=redacted"),
        "{file}"
    );
}

fn compressed(body: &str) -> [(&'static str, Vec<u8>); 2] {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(body.as_bytes()).unwrap();
    let mut deflate = DeflateEncoder::new(Vec::new(), Compression::default());
    deflate.write_all(body.as_bytes()).unwrap();
    [
        ("gzip", gzip.finish().unwrap()),
        ("deflate", deflate.finish().unwrap()),
    ]
}

#[tokio::test(start_paused = true)]
async fn secrets_are_found_in_every_coding_and_charset() {
    let body = r#"{"access_token":"cwt=GRANTED-2015","text":"é"}"#;
    for (coding, bytes) in compressed(body) {
        for headers in [&[("content-encoding", coding)][..], &[]] {
            assert_hidden(
                coding,
                plain(),
                answer(headers, bytes.clone()),
                &[],
                &["GRANTED"],
            )
            .await;
        }
    }
    // {"access_token":"cwt=GRANTED-2015","expires_in":28800,"token_type":"Bearer"} in brotli.
    let brotli = BASE64_STANDARD
        .decode("G0sAcBQhySyI21JffjiCcA4WUzkiBotBBIPoBgfsYWmU58kAdJiAQ87488LCVPLDpyi9OP2eci6Mtc0IgjfmwpOZqgCMtMGpo5HNBw==")
        .unwrap();
    for headers in [&[("content-encoding", "br")][..], &[]] {
        assert_hidden(
            "br",
            plain(),
            answer(headers, brotli.clone()),
            &[],
            &["GRANTED", "G0sA"],
        )
        .await;
    }
    let declared = b"<?xml version='1.0' encoding='iso-8859-2'?><a><access_token>GRANTED-2015</access_token>\xb1</a>";
    let file = recorded(plain(), answer(&[], &declared[..]), &[]).await;
    assert!(
        !file.contains("GRANTED") && file.contains('\u{105}'),
        "{file}"
    );
    let latin1: Vec<u8> = body.chars().map(|c| u8::try_from(c).unwrap()).collect();
    let utf16: Vec<u8> = body.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let kind = "application/json; charset=iso-8859-1";
    for (case, headers, bytes) in [
        ("Latin 1", &[("content-type", kind)][..], latin1),
        ("UTF-16", &[], utf16.clone()),
        (
            "UTF-16 by name",
            &[("content-type", "application/json; charset=utf-16le")],
            utf16,
        ),
    ] {
        let file = recorded(plain(), answer(headers, bytes), &[]).await;
        assert!(
            !file.contains("GRANTED") && file.contains('é'),
            "{case}: {file}"
        );
        assert!(!file.contains("iso-8859-1"), "{file}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_known_secret_is_dropped_in_every_spelling() {
    let secret = "a'b<c>&d/e\u{e4}f";
    let json = "application/json";
    for (case, request) in [
        (
            "JSON as .NET writes it",
            typed(json, r#"{"p":"a\u0027b\u003cc\u003e\u0026d/eäf"}"#),
        ),
        (
            "JSON in ASCII",
            typed(json, "{\"p\":\"a'b<c>&d\\/e\\u00e4f\"}"),
        ),
        (
            "numbers in XML",
            typed("application/xml", "<p>a&#39;b&lt;c&gt;&amp;d/e&#xE4;f</p>"),
        ),
        ("some escapes", form("x=a'b%3Cc%3E%26d/e%c3%a4f")),
        ("other escapes", form("x=a%27b%3Cc%3E%26d%2Fe%C3%A4f")),
        (
            "escapes of escapes",
            form("x=a%2527b%253Cc%253E%2526d%252Fe%25C3%25A4f"),
        ),
        (
            "in text",
            typed(
                "text/plain",
                "it is a'b%3Cc%3E%26d/e%C3%A4f, or a&apos;b&lt;c&gt;&amp;d/eäf",
            ),
        ),
        ("capitals", typed("text/plain", "A'B<C>&D/E\u{c4}F")),
    ] {
        let hidden = ["b<c", "b%3Cc", "u003c", "b&lt;c", "B<C", "253Cc"];
        assert_hidden(case, request, ok(""), &[secret], &hidden).await;
    }
    for (secret, request, hidden) in [
        ("p@ss(1)!", form("x=p%40ss(1)!"), "ss(1)"),
        (
            "super-secret-password",
            typed("text/plain", "c3VwZXItc2Vj\r\ncmV0LXBhc3N3\r\nb3Jk"),
            "c3VwZXItc2Vj",
        ),
        (
            "abcdef",
            request("https://h.contoso.com/?d=eDphYmNkZWY")
                .body(Bytes::new())
                .unwrap(),
            "YmNkZW",
        ),
        (
            "ToshM@contoso.com",
            typed("text/plain", "toshm@contoso.com"),
            "toshm",
        ),
        (
            "p@ss word",
            request("https://h.contoso.com/a/p%40ss%20word/b")
                .body(Bytes::new())
                .unwrap(),
            "ss%20w",
        ),
        ("open-sesame", form("x=%6fpen-ses%61me"), "pen-ses"),
    ] {
        assert_hidden(secret, request, ok(""), &[secret], &[hidden]).await;
    }
    let utf16: Vec<u8> = "super-secret"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let encoded = BASE64_STANDARD.encode(utf16);
    assert_hidden(
        "UTF-16",
        typed("text/plain", &encoded),
        ok(""),
        &["super-secret"],
        &["AHUAcABl", "c3VwZXIt", "cwB1AHA"],
    )
    .await;
}

/// Programs write the encoding of a request body in the member `encoding` or `_encoding`.
#[test]
fn a_request_in_base64_is_read_by_either_name_of_its_encoding() {
    for name in ["encoding", "_encoding"] {
        let body =
            BASE64_STANDARD.encode("grant_type=password&username=toshm&password=swordfish-2015");
        let file = json!({ "log": { "entries": [{
            "request": { "method": "POST", "url": "https://pool.contoso.com/",
                "postData": { "mimeType": FORM, "text": body, name: "base64" } },
        }] } });
        let mut har = Har::from_slice(file.to_string().as_bytes()).unwrap();
        har.redact(&[], &[]).unwrap();
        let body = har.log.entries[0].request.body().unwrap();
        assert_eq!(body, "grant_type=password&username=toshm&password=redacted");
    }
}
