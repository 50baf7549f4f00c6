//! Objects on Workers: streams of requests, of KV and of R2, whose bytes stay in JavaScript's memory.

use std::ops::Range;

use js_sys::{Array, Uint8Array};
use wasm_bindgen::prelude::*;
use worker::worker_sys::web_sys;

use super::platform::Workers;
use crate::platform::{BrokenStream, ObjectPage, Objects, Place, StoreError, Told};

#[wasm_bindgen(module = "/src/shell/objects.js")]
extern "C" {
    type Pieces;

    #[wasm_bindgen(constructor)]
    fn new(stream: &JsValue, stays: bool) -> Pieces;

    #[wasm_bindgen(method, catch)]
    async fn next(this: &Pieces) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method)]
    fn keep(this: &Pieces, room: &Room, from: usize, to: usize);

    #[wasm_bindgen(method)]
    fn leave(this: &Pieces);

    #[wasm_bindgen(method)]
    fn part(this: &Pieces, start: f64, end: f64) -> JsValue;

    type Room;

    #[wasm_bindgen(method)]
    fn add(this: &Room, bytes: &[u8]);

    #[wasm_bindgen(method)]
    fn free(this: &Room);

    fn room(bytes: usize) -> Option<Room>;

    #[wasm_bindgen(constructor, js_class = "Room")]
    fn small(bytes: usize) -> Room;

    #[wasm_bindgen(catch)]
    async fn write_object(
        namespace: &JsValue,
        key: &str,
        room: &Room,
        metadata: &str,
        seconds: Option<u32>,
    ) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(catch)]
    async fn open_model(namespace: &JsValue, key: &str) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(catch)]
    async fn list_models(namespace: &JsValue, prefix: &str, cursor: Option<String>) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(catch)]
    async fn open_captured(bucket: &JsValue, key: &str) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(catch)]
    async fn list_captured(bucket: &JsValue, prefix: &str, cursor: Option<String>) -> Result<JsValue, JsValue>;
}

/// A stream. What nobody has read of it when it is dropped is left.
pub(super) struct Stream {
    pieces: Pieces,
    is_sent: std::cell::Cell<bool>,
}

impl Stream {
    fn of(pieces: Pieces) -> Self {
        Stream { pieces, is_sent: std::cell::Cell::new(false) }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        if !self.is_sent.get() {
            self.pieces.leave();
        }
    }
}

/// Bytes in JavaScript's memory.
pub(super) struct Blob(Room);

impl Drop for Blob {
    fn drop(&mut self) {
        self.0.free();
    }
}

fn failed(error: JsValue) -> StoreError {
    StoreError(worker::Error::from(error).to_string())
}

fn page(listed: &JsValue) -> Result<ObjectPage, StoreError> {
    serde_json::from_str(&listed.as_string().unwrap_or_default()).map_err(|error| StoreError(error.to_string()))
}

impl Objects for Workers {
    type Stream = Stream;
    type Blob = Blob;

    fn body(&self) -> Stream {
        let body = self.request().and_then(web_sys::Request::body);
        Stream::of(Pieces::new(&body.map_or(JsValue::UNDEFINED, JsValue::from), true))
    }

    async fn next_piece(&self, stream: &Stream) -> Result<Option<Vec<u8>>, BrokenStream> {
        let piece = stream.pieces.next().await;
        let piece = piece.map_err(|error| BrokenStream(worker::Error::from(error).to_string()))?;
        Ok(piece.dyn_ref::<Uint8Array>().map(Uint8Array::to_vec))
    }

    fn room(&self, bytes: usize) -> Option<Blob> {
        room(bytes).map(Blob)
    }

    fn blob_of(&self, bytes: &[u8]) -> Blob {
        let room = Room::small(bytes.len());
        room.add(bytes);
        Blob(room)
    }

    fn keep(&self, stream: &Stream, part: Range<usize>, blob: &Blob) {
        stream.pieces.keep(&blob.0, part.start, part.end);
    }

    async fn write_object(
        &self,
        key: &str,
        blob: &Blob,
        metadata: &str,
        seconds: Option<u32>,
    ) -> Result<(), StoreError> {
        write_object(&self.models()?, key, &blob.0, metadata, seconds).await.map(|_| ()).map_err(failed)
    }

    async fn open_object(&self, place: Place, key: &str) -> Result<Option<(Told, Stream)>, StoreError> {
        let opened = match place {
            Place::Models => open_model(&self.models()?, key).await,
            Place::Capture => open_captured(&self.captured()?, key).await,
        };
        let opened = opened.map_err(failed)?;
        let Some(opened) = opened.dyn_ref::<Array>() else { return Ok(None) };
        let told = opened.get(0).as_string().unwrap_or_default();
        let told = serde_json::from_str(&told).map_err(|error| StoreError(error.to_string()))?;
        Ok(Some((told, Stream::of(opened.get(1).unchecked_into()))))
    }

    async fn object_page(&self, place: Place, prefix: &str, cursor: Option<&str>) -> Result<ObjectPage, StoreError> {
        let cursor = cursor.map(str::to_owned);
        let listed = match place {
            Place::Models => list_models(&self.models()?, prefix, cursor).await,
            Place::Capture => list_captured(&self.captured()?, prefix, cursor).await,
        };
        page(&listed.map_err(failed)?)
    }

    fn respond_with(&self, stream: Stream, part: Range<u64>) {
        stream.is_sent.set(true);
        self.send(stream.pieces.part(part.start as f64, part.end as f64));
    }
}
