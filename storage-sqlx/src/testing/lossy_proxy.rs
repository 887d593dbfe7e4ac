//! Between a server and its database, it loses answers to commits.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use sqlx::postgres::PgConnectOptions;

use crate::testing::TestDatabase;

/// Passes connections on to a database. Where it is told to, it lets a transaction be committed and
/// ends the connection in place of the answer: the client cannot know what has become of it.
#[derive(Debug)]
pub struct LossyProxy {
    socket: PathBuf,
    url: String,
    orders: Arc<Orders>,
}

#[derive(Debug, Default)]
struct Orders {
    /// The answer to the next commit of a transaction with this in a statement is to be lost.
    armed: Mutex<Option<&'static str>>,
    lost: AtomicUsize,
    /// There is nobody to pass connections on for any more.
    ended: AtomicBool,
}

impl LossyProxy {
    /// Begins to pass connections on. `directory` is where the socket is to be; its path is short.
    ///
    /// # Panics
    ///
    /// Where there can be no socket.
    #[must_use]
    pub fn before(database: &TestDatabase, directory: &std::path::Path) -> Self {
        let address = database.url();
        let socket = directory.join(".s.PGSQL.5432");
        let listener = UnixListener::bind(&socket).unwrap();
        let orders = Arc::new(Orders::default());
        let (there, their_orders) = (Upstream::of(&address), Arc::clone(&orders));
        thread::spawn(move || {
            for client in listener.incoming() {
                if their_orders.ended.load(Ordering::SeqCst) {
                    return;
                }
                pass_on(client.unwrap(), &there, &their_orders);
            }
        });
        let (here, _) = address.split_once('?').unwrap_or((&address, ""));
        let (sign_in, database) = here.rsplit_once('/').unwrap();
        let (sign_in, _) = sign_in.rsplit_once('@').unwrap();
        let url = format!(
            "{sign_in}@localhost/{database}?host={}",
            directory.display()
        );
        Self {
            socket,
            url,
            orders,
        }
    }

    /// The address of the database, by way of this.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Loses the answer to the next commit of a transaction with `part` in the text of a statement
    /// that its connection has not prepared yet.
    ///
    /// # Panics
    ///
    /// Never, in practice.
    pub fn lose_the_answer_to(&self, part: &'static str) {
        *self.orders.armed.lock().unwrap() = Some(part);
    }

    /// How many answers it has lost.
    #[must_use]
    pub fn lost(&self) -> usize {
        self.orders.lost.load(Ordering::SeqCst)
    }
}

impl Drop for LossyProxy {
    fn drop(&mut self) {
        self.orders.ended.store(true, Ordering::SeqCst);
        // So that the listener looks at it.
        drop(UnixStream::connect(&self.socket));
    }
}

/// Where the database listens.
#[derive(Debug)]
enum Upstream {
    Unix(PathBuf),
    Tcp(String, u16),
}

impl Upstream {
    fn of(address: &str) -> Self {
        let options: PgConnectOptions = address.parse().unwrap();
        let port = options.get_port();
        match options.get_socket() {
            Some(directory) => Self::Unix(directory.join(format!(".s.PGSQL.{port}"))),
            None => Self::Tcp(options.get_host().to_owned(), port),
        }
    }
}

/// Starts a thread for each direction of a connection.
fn pass_on(client: UnixStream, upstream: &Upstream, orders: &Arc<Orders>) {
    let orders = Arc::clone(orders);
    match upstream {
        Upstream::Unix(path) => {
            let Ok(database) = UnixStream::connect(path) else {
                return;
            };
            let answers = database.try_clone().unwrap();
            let end = move |stream: &UnixStream| drop(stream.shutdown(Shutdown::Both));
            carry(client, database, answers, orders, end);
        }
        Upstream::Tcp(host, port) => {
            let Ok(database) = TcpStream::connect((host.as_str(), *port)) else {
                return;
            };
            let answers = database.try_clone().unwrap();
            let end = move |stream: &TcpStream| drop(stream.shutdown(Shutdown::Both));
            carry(client, database, answers, orders, end);
        }
    }
}

fn carry<S: Read + Write + Send + 'static>(
    client: UnixStream,
    mut database: S,
    mut answers: S,
    orders: Arc<Orders>,
    end: impl Fn(&S) + Copy + Send + 'static,
) {
    let mut to_client = client.try_clone().unwrap();
    let is_losing = Arc::new(AtomicBool::new(false));
    let loses = Arc::clone(&is_losing);
    let lost = Arc::clone(&orders);
    let from_client = client.try_clone().unwrap();
    thread::spawn(move || {
        let mut is_meant = false;
        let passed = copy(from_client, &mut database, |octets| {
            let mut armed = orders.armed.lock().unwrap();
            is_meant |= armed.is_some_and(|part| holds(octets, part.as_bytes()));
            if holds(octets, COMMIT) && std::mem::take(&mut is_meant) {
                *armed = None;
                is_losing.store(true, Ordering::SeqCst);
            }
            true
        });
        drop(passed);
        end(&database);
    });
    thread::spawn(move || {
        // The database has answered, so it has committed.
        let passed = copy(&mut answers, &mut to_client, |_| {
            !loses.load(Ordering::SeqCst)
        });
        if loses.load(Ordering::SeqCst) {
            lost.lost.fetch_add(1, Ordering::SeqCst);
        }
        drop(passed);
        end(&answers);
        drop(client.shutdown(Shutdown::Both));
    });
}

/// Copies what comes, as long as it may pass.
fn copy(
    mut from: impl Read,
    mut to: impl Write,
    mut may_pass: impl FnMut(&[u8]) -> bool,
) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let length = from.read(&mut buffer)?;
        if length == 0 || !may_pass(&buffer[..length]) {
            return Ok(());
        }
        to.write_all(&buffer[..length])?;
    }
}

fn holds(octets: &[u8], part: &[u8]) -> bool {
    octets.windows(part.len()).any(|window| window == part)
}

const COMMIT: &[u8] = b"COMMIT\0";
