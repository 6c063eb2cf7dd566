//! A stand-in for Anthropic's Messages API, so that the real Claude Code CLI can be tested without an
//! account, a network or a bill.
//!
//! It listens on the loopback interface, at a port the kernel picks, for as long as the value lives. What
//! the "model" answers is written in the prompt: each line `@stub NAME key=value …` is a scenario of
//! the [`script`], and the step that is due is found by counting the assistant messages since. So the
//! stand-in remembers nothing of a conversation, and killing, resuming, forking or running many at once
//! needs no arrangement. It does remember the requests it saw, because tests ask what the CLI sent.
//!
//! What the CLI asks for (2.1.330, measured): `POST /v1/messages?beta=true`, streaming, falling back to
//! a plain JSON answer when the stream breaks; and `HEAD /api/hello` when side traffic is allowed.

mod answer;
mod http;
mod keys;
mod reply;
mod request;
mod script;

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use self::answer::StopReason;
pub(crate) use self::answer::{INPUT_TOKENS, OUTPUT_TOKENS};
use self::http::{Connection, Head};
use self::reply::{Reply, reply_to};
use self::request::MessagesRequest;
pub(crate) use self::request::{Credentials, SeenRequest};

/// The stand-in; stops listening when dropped.
#[derive(Debug)]
pub(crate) struct MessagesApi {
    address: SocketAddr,
    shared: Arc<Shared>,
}

/// What the threads of one stand-in have in common.
#[derive(Debug, Default)]
struct Shared {
    stopped: AtomicBool,
    seen: Mutex<Vec<SeenRequest>>,
    changed: Condvar,
}

impl MessagesApi {
    /// Starts to listen.
    pub(crate) fn start() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::default());
        let of_the_listener = Arc::clone(&shared);
        thread::spawn(move || listen(&listener, &of_the_listener));
        Ok(Self { address, shared })
    }

    /// Returns what `ANTHROPIC_BASE_URL` has to be.
    pub(crate) fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns the requests for an answer so far, oldest first, including those still unanswered.
    pub(crate) fn requests(&self) -> Vec<SeenRequest> {
        self.shared.seen.lock().unwrap().clone()
    }

    /// Waits until a request fits, and returns the requests so far; `None` after `patience`.
    pub(crate) fn wait_for(
        &self,
        patience: Duration,
        fits: impl Fn(&SeenRequest) -> bool,
    ) -> Option<Vec<SeenRequest>> {
        let seen = self.shared.seen.lock().unwrap();
        let (seen, waited) =
            self.shared.changed.wait_timeout_while(seen, patience, |seen| !seen.iter().any(&fits)).unwrap();
        (!waited.timed_out()).then(|| seen.clone())
    }
}

impl Drop for MessagesApi {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        // The listener sits in accept(); one last connection lets it see the flag.
        drop(TcpStream::connect(self.address));
    }
}

fn listen(listener: &TcpListener, shared: &Arc<Shared>) {
    for stream in listener.incoming() {
        if shared.stopped.load(Ordering::SeqCst) {
            return;
        }
        let shared = Arc::clone(shared);
        if let Ok(stream) = stream {
            // A client that goes away in the middle is an ordinary end of a killed CLI, not a fault here.
            thread::spawn(move || serve(Connection::new(stream), &shared).ok());
        }
    }
}

/// Serves the one request of a connection.
fn serve(mut connection: Connection, shared: &Shared) -> io::Result<()> {
    let (head, body) = connection.read_request()?;
    match (head.method.as_str(), head.path()) {
        ("POST", "/v1/messages") => answer_messages(connection, &head, &body, shared),
        ("POST", "/v1/messages/count_tokens") => {
            connection.send_json(200, &[], &serde_json::json!({"input_tokens": 100}))
        }
        ("HEAD", _) => connection.send_head(200),
        _ => connection.send_json(404, &[], &answer::error("not_found_error", "stub: no such page")),
    }
}

fn answer_messages(mut connection: Connection, head: &Head, body: &[u8], shared: &Shared) -> io::Result<()> {
    let request = match serde_json::from_slice::<MessagesRequest>(body) {
        Ok(request) => request,
        Err(error) => {
            let text = format!("stub: the request is not as expected: {error}");
            return connection.send_json(400, &[], &answer::error("invalid_request_error", &text));
        }
    };
    match decide_and_note(&request, head, shared) {
        Reply::Answer(answer) if request.stream => {
            connection.send_events(answer.pause, &answer.events(&request.model))
        }
        Reply::Answer(answer) => connection.send_json(200, &[], &answer.json(&request.model)),
        Reply::BrokenStream => {
            let mut events = answer::Answer::text("", StopReason::EndTurn).events(&request.model);
            events.truncate(1);
            events.push(answer::error("overloaded_error", "stub: the stream breaks here"));
            connection.send_events(Duration::ZERO, &events)
        }
        Reply::Failure(failure) => {
            let headers: Vec<_> =
                failure.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
            connection.send_json(failure.status, &headers, &answer::error(failure.kind(), &failure.message))
        }
        Reply::Silence => connection.wait_until_closed(),
    }
}

/// Picks the reply and writes the request down in one step, so that requests at the same moment count right.
fn decide_and_note(request: &MessagesRequest, head: &Head, shared: &Shared) -> Reply {
    let mut seen = shared.seen.lock().unwrap();
    let mut now = SeenRequest::new(request, head);
    let failures_before = seen.iter().filter(|earlier| earlier.failed_like(&now)).count();
    let reply = reply_to(request, failures_before);
    now.status = reply.status();
    seen.push(now);
    shared.changed.notify_all();
    reply
}
