//! TCP keep-alive, by which a connection with a pending GET notices that its peer is gone.

use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;

/// The time without acknowledgements after which a connection is broken. Any connection may carry a pending request for events.
///
/// A server keeps the messages for a client that it has lost for about half a minute.
pub(super) const SILENCE: Duration = Duration::from_secs(20);

/// The number of unanswered probes after which a connection is broken.
const PROBES: u32 = 2;

/// Configures the operating system to break the connection if the peer acknowledges nothing for `silence`, which has a resolution of
/// four seconds. The first probe is sent after half of this time without traffic. Errors are ignored, because platforms support
/// different options, and a connection works without them.
pub(super) fn limit_silence(tcp: &TcpStream, silence: Duration) {
    let socket = SockRef::from(tcp);
    let keep_alive = TcpKeepalive::new().with_time(silence / 2);
    #[cfg(any(
        target_os = "android",
        target_os = "freebsd",
        target_os = "ios",
        target_os = "linux",
        target_os = "macos",
        target_os = "windows",
    ))]
    let keep_alive = keep_alive
        .with_interval(silence / 2 / PROBES)
        .with_retries(PROBES);
    let _ = socket.set_tcp_keepalive(&keep_alive);
    // While data is unacknowledged, no probes are sent. This option covers that case.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let _ = socket.set_tcp_user_timeout(Some(silence));
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::{
        env,
        process::{Command, Stdio},
        time::Instant,
    };

    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
        time::timeout,
    };

    use super::*;

    /// The variable that marks the process inside the network namespace.
    const IN_NAMESPACE: &str = "CONV_TRANSPORT_IN_NAMESPACE";
    const LIMIT: Duration = Duration::from_secs(4);

    async fn pair() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (client, server) = tokio::join!(TcpStream::connect(address), listener.accept());
        (client.unwrap(), server.unwrap().0)
    }

    #[tokio::test]
    async fn the_options_are_set_on_the_socket() {
        let (client, _server) = pair().await;
        limit_silence(&client, SILENCE);
        let socket = SockRef::from(&client);
        assert!(socket.keepalive().unwrap());
        assert_eq!(
            socket.tcp_keepalive_time().unwrap(),
            Duration::from_secs(10)
        );
        assert_eq!(
            socket.tcp_keepalive_interval().unwrap(),
            Duration::from_secs(5)
        );
        assert_eq!(socket.tcp_keepalive_retries().unwrap(), 2);
        assert_eq!(socket.tcp_user_timeout().unwrap(), Some(SILENCE));
    }

    fn ip(arguments: &[&str]) -> bool {
        let mut ip = Command::new("ip");
        let status = ip.args(arguments).stderr(Stdio::null()).status();
        status.is_ok_and(|status| status.success())
    }

    /// A command that runs in a new network namespace.
    fn isolated(program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new("unshare");
        command
            .args(["--map-root-user", "--net", "--"])
            .arg(program);
        command
    }

    /// Acknowledgements stop when the loopback interface of the namespace is taken down. The test takes real time, because the
    /// operating system measures it. It is skipped if namespaces are not allowed.
    #[test]
    fn a_connection_breaks_when_its_peer_is_silent() {
        if env::var_os(IN_NAMESPACE).is_some() {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            return runtime.unwrap().block_on(lose_the_peer());
        }
        let mut probe = isolated("ip");
        let probe = probe.args(["link", "set", "lo", "up"]).output();
        if !probe.is_ok_and(|output| output.status.success()) {
            eprintln!("skipped: no network namespace");
            return;
        }
        let name =
            "hyper_transport::keep_alive::tests::a_connection_breaks_when_its_peer_is_silent";
        let mut test = isolated(env::current_exe().unwrap());
        let test = test.args(["--exact", name, "--nocapture"]);
        let output = test.env(IN_NAMESPACE, "1").output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{text}");
        assert!(text.contains("1 passed"), "{text}");
    }

    async fn lose_the_peer() {
        assert!(ip(&["link", "set", "lo", "up"]));
        let (mut idle, _idle_peer) = pair().await;
        let (mut writing, _writing_peer) = pair().await;
        for client in [&idle, &writing] {
            limit_silence(client, LIMIT);
        }
        assert!(ip(&["link", "set", "lo", "down"]));
        writing.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
        let begun = Instant::now();
        for client in [&mut idle, &mut writing] {
            let read = timeout(LIMIT * 3, client.read_u8()).await;
            let error = read.expect("the system breaks the connection").unwrap_err();
            assert!(
                begun.elapsed() >= LIMIT / 2,
                "{error} {:?}",
                begun.elapsed()
            );
        }
    }
}
