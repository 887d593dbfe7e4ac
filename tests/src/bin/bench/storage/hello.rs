//! The least that an axum server can answer: a process of its own, on the same stack.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use axum::Router;
use axum::routing::get;
use tokio::net::TcpListener;

/// A running server that says hello. Ends when dropped.
pub(crate) struct Hello {
    child: Child,
    pub(crate) address: String,
}

impl Hello {
    /// Starts one: this program, told by [`WORD`] to be it.
    pub(crate) fn start() -> Self {
        let program = std::env::current_exe().expect("a program has a path");
        let mut child = Command::new(program)
            .arg(WORD)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("this program can be started");
        let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let address = lines.next().expect("it says where it listens");
        Self {
            child,
            address: address.expect("a line"),
        }
    }
}

impl Drop for Hello {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Serves until it is killed.
pub(crate) async fn serve() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await;
    let listener = listener.expect("a free port");
    println!("{}", listener.local_addr().expect("it is bound"));
    let router = Router::new().route("/hello", get(|| async { "hello" }));
    let served = axum::serve(listener, router).await;
    served.expect("it serves until it is killed");
}

/// The argument that makes this program that server.
pub(crate) const WORD: &str = "--say-hello";
