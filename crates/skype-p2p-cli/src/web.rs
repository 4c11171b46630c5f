//! The chat page and the script for web pages: `serve --web` and `demo --web`.
//!
//! The files of the page are in the folder `web`. The script comes from `cargo xtask web`; `build.rs` copies it into the build.

use std::net::Ipv4Addr;

use bytes::Bytes;
use ucwa_server::{HttpConfig, Server, ServerConfig, User, WebFile};

use crate::{End, account, failure::Failure, interrupt::Interrupt, output::Output};

/// The script, or nothing if the program was built without it.
const SCRIPT: &str = include_str!(concat!(env!("OUT_DIR"), "/skype-p2p.js"));

/// The place in the script of the URL where the discovery of the server starts.
const NO_ROOT: &str = "/* root */ null";

/// The files of the page: path, type and contents.
const PAGE: [(&str, &str, &str); 6] = [
    ("/chat/", HTML, include_str!("web/index.html")),
    ("/chat/chat.css", CSS, include_str!("web/chat.css")),
    ("/chat/chat.js", JAVASCRIPT, include_str!("web/chat.js")),
    (
        "/chat/conversation.js",
        JAVASCRIPT,
        include_str!("web/conversation.js"),
    ),
    ("/chat/dom.js", JAVASCRIPT, include_str!("web/dom.js")),
    ("/chat/lists.js", JAVASCRIPT, include_str!("web/lists.js")),
];

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";

/// Only scripts of the server run. The page connects to the other pools of an organization, and shows photos from there.
const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; connect-src http: https:; \
     img-src http: https: data: blob:; frame-src 'self'; frame-ancestors 'self'; base-uri 'none'; form-action 'none'";

/// Adds the page and the script to a server. The script starts at `root`, or at the origin of the page that loads it.
pub(crate) fn serve(http: &mut HttpConfig, root: Option<String>) {
    http.set_files(move |path, origin| file(path, root.as_deref().unwrap_or(origin)));
}

/// Fails if the program was built without the script.
pub(crate) fn check() -> Result<(), Failure> {
    if SCRIPT.is_empty() {
        let failure = Failure::usage("This program was built without the chat page.");
        return Err(failure
            .with_hint("run `cargo xtask web`, and then build the program with `--features web`"));
    }
    Ok(())
}

fn file(path: &str, root: &str) -> Option<WebFile> {
    if path == "/skype-p2p.js" || is_bootstrap(path) {
        return Some(WebFile::new(JAVASCRIPT, script(SCRIPT, root)));
    }
    let path = if path == "/chat" { "/chat/" } else { path };
    let (_, content_type, contents) = PAGE.iter().find(|(at, _, _)| *at == path)?;
    Some(page(content_type, Bytes::from_static(contents.as_bytes())))
}

fn page(content_type: &'static str, contents: Bytes) -> WebFile {
    let mut file = WebFile::new(content_type, contents);
    file.policy = Some(POLICY);
    file
}

/// Whether this is the path of the script of the Skype Web SDK, in any version: `/shared/v/1.2.15/SkypeBootstrap.min.js`.
fn is_bootstrap(path: &str) -> bool {
    let version = path
        .strip_prefix("/shared/v/")
        .and_then(|rest| rest.strip_suffix("/SkypeBootstrap.min.js"));
    version.is_some_and(|version| !version.is_empty() && !version.contains('/'))
}

/// The script with the URL where the discovery of the server starts.
fn script(script: &str, root: &str) -> String {
    // An origin is ASCII without quotation marks and backslashes, and the JSON of it is a string of JavaScript.
    let root = serde_json::Value::from(format!("{root}/"));
    script.replacen(NO_ROOT, &root.to_string(), 1)
}

/// Serves a page with two users side by side, until interrupted.
pub(crate) async fn demo() -> Result<End, Failure> {
    check()?;
    let failed = |error: std::io::Error| Failure::other(error.to_string());
    let mut interrupt = Interrupt::catch().map_err(failed)?;
    let users = account::sandbox().map_err(Failure::other)?;
    let demo = demo_page(&users);
    let mut http = HttpConfig::default();
    http.set_files(move |path, origin| match path {
        "/demo/" => Some(page(HTML, demo.clone().into())),
        "/demo/demo.css" => Some(page(CSS, include_str!("web/demo.css").into())),
        "/demo/demo.js" => Some(page(JAVASCRIPT, include_str!("web/demo.js").into())),
        _ => file(path, origin),
    });
    let config = ServerConfig::new(users);
    let server = Server::bind_with((Ipv4Addr::LOCALHOST, 0), config, http)
        .await
        .map_err(failed)?;
    let mut output = Output::stdout();
    output.line(format_args!("{}demo/", server.root_url()));
    tokio::select! {
        () = interrupt.received() => {}
        () = server.failed() => return Err(Failure::other("The server has failed.")),
    }
    server.shutdown().await;
    Ok(End::Well)
}

/// The page with a frame for each user. The users are those of the published examples, and their passwords are public.
fn demo_page(users: &[User]) -> String {
    let frames: String = users
        .iter()
        .map(|user| {
            format!(
                "<iframe src=\"/chat/\" name=\"{uri}\" title=\"{name}\" data-password=\"{password}\"></iframe>\n",
                uri = user.uri,
                name = user.display_name,
                password = user.password
            )
        })
        .collect();
    include_str!("web/demo.html").replace("<!-- frames -->", &frames)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_starts_at_the_server_that_serves_it() {
        let stamped = script("(f)(/* root */ null);", "https://lync.contoso.com");
        assert_eq!(stamped, "(f)(\"https://lync.contoso.com/\");");
    }

    #[test]
    fn the_script_has_the_paths_of_every_version_of_the_sdk() {
        assert!(is_bootstrap("/shared/v/1.2.15/SkypeBootstrap.min.js"));
        assert!(is_bootstrap("/shared/v/1.2.30/SkypeBootstrap.min.js"));
        for other in [
            "/shared/v//SkypeBootstrap.min.js",
            "/shared/v/1/2/SkypeBootstrap.min.js",
            "/shared/v/SkypeBootstrap.min.js",
            "/SkypeBootstrap.min.js",
        ] {
            assert!(!is_bootstrap(other), "{other}");
        }
    }

    #[test]
    fn the_files_of_the_page_have_a_policy_and_fewer_than_30_000_bytes() {
        let mut size = 0;
        for (path, _, _) in PAGE {
            let file = file(path, "http://127.0.0.1").unwrap();
            assert_eq!(file.policy, Some(POLICY), "{path}");
            size += file.contents.len();
        }
        assert!(size < 30_000, "{size}");
        assert_eq!(file("/", "http://127.0.0.1"), None);
    }

    #[test]
    fn the_demo_has_a_frame_for_each_user() {
        let users = account::sandbox().unwrap();
        assert_eq!(demo_page(&users).matches("<iframe").count(), 2);
    }
}
