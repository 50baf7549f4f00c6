//! Requests by each protocol, from the first byte to the record, on a platform in memory whose faults a test chooses.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

mod alarms;
mod bodies;
mod captures;
mod container;
mod deployments;
mod experiments;
mod inference_experiments;
mod interleaved;
mod model_files;
mod native;
mod ofrep;
mod open_inference;
mod outcomes;
mod s3;
mod sagemaker;
mod shadows;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::Value;

use crate::endpoint::Name;
use crate::experiment::{Controller, Terms};
use crate::isolate::{Isolate, Settings};
use crate::platform::in_process::{InProcessBucket, InProcessEngines};
use crate::platform::sqlite::Sqlite;
use crate::platform::{
    BrokenStream, Bucket, BucketError, Clock, Death, Engines, Entropy, EntropyError, Entry, Exchange, ExchangeError,
    Experiments, HttpAnswer, HttpCall, Instance, KeyPage, Log, Namespace, ObjectPage, Objects, Page, Place, Secrets,
    Store, StoreError, Timer, Times, Told, UnreachableExperiment,
};
use crate::protocol::{self, Answer};
use crate::record::{Record, Sink};
use crate::request::{Request, RequestError};
use crate::service::Service;

/// What a call to an origin carried.
struct Sent {
    url: String,
    headers: HeaderMap,
    body: Vec<u8>,
    limit_ms: f64,
}

#[derive(Default)]
struct World {
    now_ms: Cell<f64>,
    endpoints: RefCell<BTreeMap<String, Vec<u8>>>,
    endpoint_reads: Cell<usize>,
    registry: RefCell<BTreeMap<String, Vec<u8>>>,
    times: RefCell<HashMap<String, Times>>,
    /// Databases of the endpoints' experiments, where there are any.
    experiments: RefCell<Option<HashMap<String, Rc<Sqlite>>>>,
    experiments_down: Cell<bool>,
    /// An endpoint whose experiment never answers.
    experiment_hangs: RefCell<Option<String>>,
    store_down: Cell<bool>,
    lists: Cell<u32>,
    models: RefCell<HashMap<String, Vec<u8>>>,
    model_reads: Cell<usize>,
    /// What stands beside models.
    metadata: RefCell<HashMap<String, Value>>,
    /// The body of a request that reads it in pieces, and how large these are.
    incoming: RefCell<Vec<u8>>,
    piece_bytes: Cell<usize>,
    /// A body that a response has in place of its own.
    outgoing: RefCell<Option<Vec<u8>>>,
    engines: InProcessEngines,
    bucket: InProcessBucket,
    secrets: RefCell<HashMap<String, String>>,
    /// What origins will answer, in order.
    answers: RefCell<VecDeque<Result<HttpAnswer, ExchangeError>>>,
    sent: RefCell<Vec<Sent>>,
    warnings: RefCell<Vec<String>>,
    /// Whether reads that begin now wait, each behind a gate of its own, with what they have read.
    gated: Cell<bool>,
    /// Whether each gate is open, in the order in which the reads began.
    gates: RefCell<Vec<bool>>,
}

impl World {
    /// Waits behind a new gate, if reads are gated.
    async fn gate(&self) {
        if self.gated.get() {
            let at = self.gates.borrow().len();
            self.gates.borrow_mut().push(false);
            poll_fn(|_| if self.gates.borrow()[at] { Poll::Ready(()) } else { Poll::Pending }).await;
        }
    }

    fn open(&self, gate: usize) {
        self.gates.borrow_mut()[gate] = true;
    }
}

impl Store for Rc<World> {
    async fn read(&self, namespace: Namespace, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.read_entry(namespace, key).await?.map(|entry| entry.value))
    }

    async fn read_entry(&self, namespace: Namespace, key: &str) -> Result<Option<Entry>, StoreError> {
        let values = match namespace {
            Namespace::Endpoints => {
                self.endpoint_reads.set(self.endpoint_reads.get() + 1);
                if self.store_down.get() {
                    return Err(StoreError("down".to_owned()));
                }
                self.endpoints.borrow().get(key).cloned()
            }
            Namespace::Models => {
                self.model_reads.set(self.model_reads.get() + 1);
                self.models.borrow().get(key).cloned()
            }
            Namespace::Registry => self.registry.borrow().get(key).cloned(),
        };
        let times = self.times.borrow().get(key).copied();
        self.gate().await;
        Ok(values.map(|value| Entry { value, times }))
    }

    async fn write(&self, namespace: Namespace, key: &str, value: &str, times: Times) -> Result<(), StoreError> {
        let values = if namespace == Namespace::Endpoints { &self.endpoints } else { &self.registry };
        values.borrow_mut().insert(key.to_owned(), value.as_bytes().to_vec());
        self.times.borrow_mut().insert(key.to_owned(), times);
        Ok(())
    }

    async fn delete(&self, namespace: Namespace, key: &str) -> Result<(), StoreError> {
        if namespace == Namespace::Models {
            self.models.borrow_mut().remove(key);
            self.metadata.borrow_mut().remove(key);
            return Ok(());
        }
        let values = if namespace == Namespace::Endpoints { &self.endpoints } else { &self.registry };
        values.borrow_mut().remove(key);
        Ok(())
    }

    async fn list(&self, namespace: Namespace, prefix: &str, _: Option<String>, _: u16) -> Result<Page, StoreError> {
        if self.store_down.get() {
            return Err(StoreError("down".to_owned()));
        }
        self.lists.set(self.lists.get() + 1);
        let values = if namespace == Namespace::Endpoints { &self.endpoints } else { &self.registry };
        self.gate().await;
        let values = values.borrow();
        let keys = values.keys().filter(|key| key.starts_with(prefix));
        let keys = keys.map(|key| (key.clone(), self.times.borrow().get(key).copied())).collect();
        Ok(Page { keys, cursor: None })
    }
}

impl Engines for Rc<World> {
    type File = Vec<u8>;

    async fn read_model(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.read(Namespace::Models, key).await
    }

    fn load(&self, file: &Vec<u8>, asked: &[u8], most_bytes: usize) -> Result<(Rc<dyn Instance>, Vec<u8>), Death> {
        self.engines.load(file, asked, most_bytes)
    }
}

impl Experiments for Rc<World> {
    fn has_experiments(&self) -> bool {
        self.experiments.borrow().is_some()
    }

    async fn ask_experiment(&self, endpoint: &str, question: &str) -> Result<String, UnreachableExperiment> {
        if self.experiment_hangs.borrow().as_deref() == Some(endpoint) {
            std::future::pending::<()>().await;
        }
        let name = Name::try_from(endpoint).unwrap();
        let database = match &mut *self.experiments.borrow_mut() {
            Some(experiments) if !self.experiments_down.get() => {
                Rc::clone(experiments.entry(endpoint.to_owned()).or_default())
            }
            _ => return Err(UnreachableExperiment("down".to_owned())),
        };
        let controller = Controller::new(Rc::clone(self), &*database, &name, Terms::default()).unwrap();
        let answer = controller.ask(serde_json::from_str(question).unwrap()).await.unwrap();
        controller.publish().await.unwrap();
        Ok(serde_json::to_string(&answer).unwrap())
    }
}

impl Bucket for Rc<World> {
    fn has_bucket(&self) -> bool {
        self.bucket.has_bucket()
    }

    async fn put_object(&self, key: &str, bytes: &[u8]) -> Result<(), BucketError> {
        self.bucket.put_object(key, bytes).await
    }

    async fn object(&self, key: &str) -> Result<Option<Vec<u8>>, BucketError> {
        self.bucket.object(key).await
    }

    async fn object_keys(&self, prefix: &str, cursor: Option<&str>) -> Result<KeyPage, BucketError> {
        self.bucket.object_keys(prefix, cursor).await
    }
}

/// Bytes on their way: what is left of them, and the last piece.
struct Stream {
    rest: RefCell<VecDeque<u8>>,
    piece: RefCell<Vec<u8>>,
    piece_bytes: usize,
}

impl World {
    fn stream(&self, bytes: Vec<u8>) -> Stream {
        let piece_bytes = if self.piece_bytes.get() == 0 { 64 << 10 } else { self.piece_bytes.get() };
        Stream { rest: RefCell::new(bytes.into()), piece: RefCell::default(), piece_bytes }
    }
}

impl Objects for Rc<World> {
    type Stream = Stream;
    type Blob = RefCell<Vec<u8>>;

    fn body(&self) -> Stream {
        self.stream(self.incoming.take())
    }

    async fn next_piece(&self, stream: &Stream) -> Result<Option<Vec<u8>>, BrokenStream> {
        let mut rest = stream.rest.borrow_mut();
        let taken = rest.len().min(stream.piece_bytes);
        let piece: Vec<u8> = rest.drain(..taken).collect();
        stream.piece.borrow_mut().clone_from(&piece);
        Ok(Some(piece).filter(|piece| !piece.is_empty()))
    }

    fn room(&self, _: usize) -> Option<RefCell<Vec<u8>>> {
        Some(RefCell::default())
    }

    fn blob_of(&self, bytes: &[u8]) -> RefCell<Vec<u8>> {
        RefCell::new(bytes.to_vec())
    }

    fn keep(&self, stream: &Stream, part: std::ops::Range<usize>, blob: &RefCell<Vec<u8>>) {
        blob.borrow_mut().extend_from_slice(&stream.piece.borrow()[part]);
    }

    async fn write_object(
        &self,
        key: &str,
        blob: &RefCell<Vec<u8>>,
        metadata: &str,
        _: Option<u32>,
    ) -> Result<(), StoreError> {
        self.models.borrow_mut().insert(key.to_owned(), blob.borrow().clone());
        self.metadata.borrow_mut().insert(key.to_owned(), serde_json::from_str(metadata).unwrap());
        Ok(())
    }

    async fn open_object(&self, place: Place, key: &str) -> Result<Option<(Told, Stream)>, StoreError> {
        let found = match place {
            Place::Models => self.models.borrow().get(key).cloned(),
            Place::Capture => self.bucket.objects.borrow().get(key).cloned(),
        };
        let Some(bytes) = found else { return Ok(None) };
        let metadata = self.metadata.borrow().get(key).cloned();
        Ok(Some((Told { metadata, ..Told::default() }, self.stream(bytes))))
    }

    /// Three keys a page.
    async fn object_page(&self, place: Place, prefix: &str, cursor: Option<&str>) -> Result<ObjectPage, StoreError> {
        let mut keys: Vec<String> = match place {
            Place::Models => self.models.borrow().keys().cloned().collect(),
            Place::Capture => self.bucket.objects.borrow().keys().cloned().collect(),
        };
        keys.sort();
        keys.retain(|key| key.starts_with(prefix) && cursor.is_none_or(|cursor| key.as_str() > cursor));
        let more = keys.len() > 3;
        keys.truncate(3);
        let cursor = keys.last().filter(|_| more).cloned();
        let told = |key: &String| Told { metadata: self.metadata.borrow().get(key).cloned(), ..Told::default() };
        Ok(ObjectPage { objects: keys.iter().map(|key| (key.clone(), told(key))).collect(), cursor })
    }

    fn respond_with(&self, stream: Stream, part: std::ops::Range<u64>) {
        let bytes: Vec<u8> = stream.rest.into_inner().into();
        let part = part.start as usize..part.end as usize;
        *self.outgoing.borrow_mut() = Some(bytes[part].to_vec());
    }
}

impl Exchange for Rc<World> {
    async fn exchange(&self, call: HttpCall<'_>) -> Result<HttpAnswer, ExchangeError> {
        self.sent.borrow_mut().push(Sent {
            url: call.url.to_string(),
            headers: call.headers.clone(),
            body: call.body.to_vec(),
            limit_ms: call.limit_ms,
        });
        self.now_ms.set(self.now_ms.get() + 10.0);
        self.answers
            .borrow_mut()
            .pop_front()
            .unwrap_or_else(|| Err(ExchangeError::Unreachable("no answer planned".into())))
    }
}

impl Clock for Rc<World> {
    fn now_ms(&self) -> f64 {
        self.now_ms.get()
    }
}

impl Timer for Rc<World> {
    async fn sleep(&self, ms: f64) {
        let end_ms = self.now_ms.get() + ms;
        poll_fn(|_| if self.now_ms.get() >= end_ms { Poll::Ready(()) } else { Poll::Pending }).await;
    }
}

impl Secrets for Rc<World> {
    fn secret(&self, name: &str) -> Option<String> {
        self.secrets.borrow().get(name).cloned()
    }
}

impl Entropy for Rc<World> {
    fn entropy(&self) -> Result<[u8; 32], EntropyError> {
        Ok([7; 32])
    }
}

impl Log for Rc<World> {
    fn warn(&self, message: &str) {
        self.warnings.borrow_mut().push(message.to_owned());
    }
}

/// Keeps what is written.
#[derive(Default)]
struct Kept(RefCell<Option<Record>>);

impl Sink for Kept {
    async fn write(&self, record: &Record) {
        *self.0.borrow_mut() = Some(record.clone());
    }
}

struct Bench {
    world: Rc<World>,
    isolate: Isolate,
}

/// A request on its way.
struct InFlight<'a> {
    whole: LocalBoxFuture<'a, Seen>,
    record: Rc<Kept>,
}

impl InFlight<'_> {
    /// Goes on as far as it can.
    fn poll(&mut self) -> Option<Seen> {
        self.whole.as_mut().now_or_never()
    }

    /// Whether its record has been written.
    fn is_recorded(&self) -> bool {
        self.record.0.borrow().is_some()
    }
}

/// A response and its record, as a test looks at them.
struct Seen {
    status: u16,
    headers: HeaderMap,
    body: Vec<u8>,
    record: Option<Record>,
}

impl Seen {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    fn record(&self) -> &Record {
        self.record.as_ref().expect("a record")
    }
}

const ORIGIN: &str = r#"{"variants": [
    {"name": "a", "weight": 3, "origin": {"url": "https://a.example/invocations", "timeout_ms": 800, "token": "A_TOKEN"}},
    {"name": "b", "weight": 1, "origin": {"url": "https://b.example/invocations"}},
    {"name": "off", "weight": 0, "origin": {"url": "https://off.example/invocations"}}],
  "assignment": {"unit": {"header": "x-user-id"}, "salt": "s"}, "fallback": "b"}"#;

fn bench(document: &str) -> Bench {
    let world = Rc::new(World::default());
    world.endpoints.borrow_mut().insert("e".to_owned(), document.as_bytes().to_vec());
    world.secrets.borrow_mut().insert("A_TOKEN".to_owned(), "hush".to_owned());
    world.secrets.borrow_mut().insert("ADMIN_TOKEN".to_owned(), "root".to_owned());
    Bench { world, isolate: Isolate::new(Settings::default()) }
}

fn said(status: u16, content_type: &str, body: &str) -> Result<HttpAnswer, ExchangeError> {
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_str(content_type).unwrap());
    Ok(HttpAnswer { status, headers, body: body.as_bytes().to_vec() })
}

impl Bench {
    fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: &str) -> Seen {
        self.send_bytes(method, path, headers, body.as_bytes().to_vec())
    }

    fn send_bytes(&self, method: Method, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Seen {
        let headers = headers
            .iter()
            .map(|(name, value)| {
                (HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_str(value).unwrap())
            })
            .collect();
        let request = Request { method, secure: true, path: path.to_owned(), headers, ..Request::default() };
        self.receive(request, Ok(body))
    }

    fn receive(&self, request: Request, body: Result<Vec<u8>, RequestError>) -> Seen {
        self.begin(request, body).poll().expect("nothing waits")
    }

    /// Begins a request that may have to wait at a gate.
    fn begin(&self, request: Request, body: Result<Vec<u8>, RequestError>) -> InFlight<'_> {
        let record = Rc::new(Kept::default());
        let kept = Rc::clone(&record);
        let whole = async move {
            let service = Service::new(Rc::clone(&self.world), &self.isolate);
            let Answer { response, follow_ups } = protocol::answer(&service, request, body).await;
            service.follow_up(follow_ups, &*kept).await;
            let (head, body) = response.into_parts();
            let body = self.world.outgoing.take().unwrap_or(body);
            Seen { status: head.status.as_u16(), headers: head.headers, body, record: kept.0.borrow_mut().take() }
        };
        InFlight { whole: whole.boxed_local(), record }
    }

    fn invoke(&self, headers: &[(&str, &str)]) -> Seen {
        let mut all = vec![("content-type", "application/json")];
        all.retain(|(name, _)| !headers.iter().any(|(given, _)| given == name));
        all.extend_from_slice(headers);
        self.send(Method::POST, "/endpoints/e/invocations", &all, r#"{"instances": [[1, 2], [3, 4]]}"#)
    }

    fn get(&self, path: &str) -> Seen {
        self.send(Method::GET, path, &[], "")
    }

    fn answers(&self, answers: impl IntoIterator<Item = Result<HttpAnswer, ExchangeError>>) {
        self.world.answers.borrow_mut().extend(answers);
    }

    fn code(
        &self,
        headers: &[(&str, &str)],
        answers: impl IntoIterator<Item = Result<HttpAnswer, ExchangeError>>,
    ) -> String {
        self.answers(answers);
        let seen = self.invoke(headers);
        assert_eq!(seen.header("x-error-code"), seen.json()["code"].as_str().unwrap_or_default());
        assert_eq!(seen.record().error.unwrap_or_default(), seen.header("x-error-code"));
        seen.header("x-error-code").to_owned()
    }
}
