//! Uploads in parts. Parts are values of the store of models, under a prefix that no list shows, for a day. A part's key has
//! its number and its entity tag, so that an upload is completed without asking for a list of them, which may be behind.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use serde::{Deserialize, Serialize};

use super::checksum::{Algorithm, Checksum, Running, Sums, checksum_of_parts, etag_of_parts};
use super::object::{Conditions, Facts, HIDDEN, MAX_OBJECT_BYTES, Object, ObjectError, check_key};
use super::upload::{NewBody, Received, Stored};
use crate::platform::{Namespace, Objects, Place, Platform};
use crate::service::Service;

/// The fewest bytes of a part that is not the last.
const MIN_PART_BYTES: u64 = 5 << 20;
/// So long an upload may take: then its parts are removed by the store.
const KEPT_SECONDS: u32 = 86_400;
/// The highest number of a part.
const MOST_PARTS: u32 = 10_000;
/// The most parts of an object: more would be larger than it may be.
const MOST_NAMED: usize = 6;

/// An upload in parts, as it was begun.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Upload {
    /// The key that the object is to have.
    pub key: String,
    /// What was said of it.
    pub facts: Facts,
    /// What checksums are made with.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub algorithm: Option<Algorithm>,
    /// Whether the object's checksum is one of its bytes, and not of its parts' checksums.
    #[serde(default)]
    pub is_whole: bool,
    /// When it was begun, in milliseconds since the Unix epoch.
    pub begun_ms: f64,
}

/// A part as a request to complete names it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartOf {
    /// Its number.
    pub number: u32,
    /// Its entity tag, without quotes.
    pub etag: String,
    /// Its checksum, where the request has it.
    pub checksum: Option<String>,
}

/// A part that was uploaded.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// Its number.
    pub number: u32,
    /// Its entity tag, without quotes.
    pub etag: String,
    /// How many bytes it has.
    pub size: u64,
    /// When, in milliseconds since the Unix epoch.
    pub modified_ms: Option<f64>,
}

/// The key of a part.
fn place_of(folder: &str, number: u32, etag: &str) -> String {
    format!("{folder}{number:05}-{etag}")
}

fn folder(id: &str) -> Result<String, ObjectError> {
    let is_one = !id.is_empty()
        && id.len() <= 64
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    if is_one { Ok(format!("{HIDDEN}{id}/")) } else { Err(ObjectError::NoUpload(id.chars().take(64).collect())) }
}

fn record(folder: &str) -> String {
    format!("{folder}upload")
}

impl<P: Platform> Service<'_, P> {
    /// Begins an upload; its id.
    ///
    /// # Errors
    /// If what is said of the object is too much, or the store fails.
    pub async fn begin_upload(&self, mut upload: Upload) -> Result<String, ObjectError> {
        check_key(&upload.key)?;
        upload.facts.check()?;
        upload.begun_ms = self.platform.now_ms();
        let id = self.new_id()?;
        // It has no map whose keys are not texts.
        let text = serde_json::to_vec(&upload).unwrap_or_default();
        let blob = self.platform.blob_of(&text);
        self.platform.write_object(&record(&folder(&id)?), &blob, "{}", Some(KEPT_SECONDS)).await?;
        Ok(id)
    }

    /// An upload that is under way to that key.
    ///
    /// # Errors
    /// If there is none, or the store fails.
    pub async fn upload(&self, key: &str, id: &str) -> Result<Upload, ObjectError> {
        let upload = self.begun(id).await?.filter(|upload| upload.key == key);
        upload.ok_or_else(|| ObjectError::NoUpload(id.to_owned()))
    }

    /// An upload as it was begun, to whatever key.
    async fn begun(&self, id: &str) -> Result<Option<Upload>, ObjectError> {
        let text = self.platform.read(Namespace::Models, &record(&folder(id)?)).await?;
        Ok(text.and_then(|text| serde_json::from_slice(&text).ok()))
    }

    /// Keeps a part.
    ///
    /// # Errors
    /// If the upload is none, the body is not what the request says, or the object would be too large.
    pub async fn put_part(&self, key: &str, id: &str, number: u32, mut body: NewBody) -> Result<Stored, ObjectError> {
        if !(1..=MOST_PARTS).contains(&number) {
            return Err(ObjectError::PartNumber);
        }
        let upload = self.upload(key, id).await?;
        let size = body.length.ok_or(ObjectError::NoLength)?;
        let others = self.parts(id).await?.into_iter().filter(|part| part.number != number);
        let known = others.fold(0_u64, |sum, part| sum.saturating_add(part.size));
        // All before it have so many at least.
        let before = u64::from(number.saturating_sub(1)).saturating_mul(MIN_PART_BYTES);
        let all = known.max(before).saturating_add(size);
        if all > MAX_OBJECT_BYTES {
            return Err(ObjectError::TooLarge(all));
        }
        body.wanted = body.wanted.or(upload.algorithm);
        let Received { blob, summed } = self.receive(body, MAX_OBJECT_BYTES).await?;
        let (etag, modified_ms) = (summed.etag(), Some(self.platform.now_ms()));
        let object = Object { size: summed.bytes, etag: etag.clone(), modified_ms, facts: Facts::default() };
        let place = place_of(&folder(id)?, number, &etag);
        self.platform.write_object(&place, &blob, &object.metadata()?, Some(KEPT_SECONDS)).await?;
        Ok(Stored { etag, checksum: summed.checksum })
    }

    /// The parts that were uploaded, by number; of one that was uploaded again, the last that is known.
    ///
    /// # Errors
    /// If the upload's id is none, or the store fails.
    pub async fn parts(&self, id: &str) -> Result<Vec<Part>, ObjectError> {
        let mut parts: Vec<Part> = Vec::new();
        for (part, _) in self.part_keys(id).await? {
            match parts.last_mut() {
                Some(last) if last.number == part.number => {
                    if part.modified_ms >= last.modified_ms {
                        *last = part;
                    }
                }
                _ => parts.push(part),
            }
        }
        Ok(parts)
    }

    /// All parts that the store has, with their keys.
    async fn part_keys(&self, id: &str) -> Result<Vec<(Part, String)>, ObjectError> {
        let folder = folder(id)?;
        let page = self.platform.object_page(Place::Models, &folder, None).await?;
        let mut parts = Vec::new();
        for (key, told) in page.objects {
            let name = key.strip_prefix(&folder).and_then(|name| name.split_once('-'));
            let Some((number, etag)) = name.and_then(|(number, etag)| Some((number.parse().ok()?, etag))) else {
                continue;
            };
            let object = match Object::told(told) {
                Some(object) => object,
                None => self.part(&key, number).await?,
            };
            let Object { size, modified_ms, .. } = object;
            parts.push((Part { number, etag: etag.to_owned(), size, modified_ms }, key));
        }
        Ok(parts)
    }

    /// What a part is.
    async fn part(&self, place: &str, number: u32) -> Result<Object, ObjectError> {
        let opened = self.platform.open_object(Place::Models, place).await?;
        let (told, stream) = opened.ok_or(ObjectError::NoPart(number))?;
        match Object::told(told) {
            Some(object) => Ok(object),
            None => self.looked_at(stream).await,
        }
    }

    /// Makes the object of its parts, and removes them.
    ///
    /// # Errors
    /// If the parts are not those that were uploaded, or make no object.
    pub async fn complete_upload(
        &self,
        key: &str,
        id: &str,
        named: &[PartOf],
        whole: Option<Checksum>,
        conditions: &Conditions,
    ) -> Result<Stored, ObjectError> {
        let upload = self.upload(key, id).await?;
        self.check_before_write(key, conditions).await?;
        if named.is_empty() || !named.is_sorted_by(|before, after| before.number < after.number) {
            return Err(ObjectError::PartOrder);
        }
        if named.len() > MOST_NAMED {
            return Err(ObjectError::TooLarge(MAX_OBJECT_BYTES.saturating_add(1)));
        }
        let folder = folder(id)?;
        let places = named.iter().map(|part| place_of(&folder, part.number, &part.etag)).collect::<Vec<_>>();
        let found = named.iter().zip(&places).map(|(part, place)| self.part(place, part.number));
        let sizes = join_all(found).await.into_iter().map(|found| found.map(|object| object.size));
        let sizes = sizes.collect::<Result<Vec<u64>, ObjectError>>()?;
        let before_the_last = sizes.get(..sizes.len().saturating_sub(1)).unwrap_or_default();
        if let Some((part, _)) = named.iter().zip(before_the_last).find(|(_, size)| **size < MIN_PART_BYTES) {
            return Err(ObjectError::PartTooSmall(part.number));
        }
        let size = sizes.iter().fold(0_u64, |sum, size| sum.saturating_add(*size));
        let bytes = usize::try_from(size).ok().filter(|_| size <= MAX_OBJECT_BYTES);
        let blob = self.room_for(bytes.ok_or(ObjectError::TooLarge(size))?)?;
        let algorithm = whole.as_ref().map(|whole| whole.algorithm).or(upload.algorithm);
        let is_whole = upload.is_whole || algorithm == Some(Algorithm::Crc64Nvme);
        let mut of_all = algorithm.filter(|_| is_whole).map(Running::new);
        let mut of_parts: Vec<String> = Vec::new();
        for (part, place) in named.iter().zip(&places) {
            let checksum = self.join_part(place, part, algorithm, of_all.as_mut(), &blob).await?;
            if let (Some(made), Some(given)) = (&checksum, &part.checksum)
                && made.value != *given
            {
                return Err(ObjectError::NoPart(part.number));
            }
            of_parts.extend(checksum.map(|checksum| checksum.value));
        }
        let checksum = match (algorithm, of_all) {
            (Some(algorithm), Some(running)) => Some(Checksum { algorithm, value: running.finish() }),
            (Some(algorithm), None) => {
                let of_parts: Vec<&str> = of_parts.iter().map(String::as_str).collect();
                checksum_of_parts(algorithm, &of_parts)
            }
            (None, _) => None,
        };
        if let (Some(made), Some(given)) = (&checksum, &whole)
            && made.value != given.value
            && made.value.split('-').next() != Some(given.value.as_str())
        {
            return Err(ObjectError::Checksum(made.algorithm.as_str()));
        }
        let etags: Vec<&str> = named.iter().map(|part| part.etag.as_str()).collect();
        let etag = etag_of_parts(&etags).ok_or(ObjectError::PartOrder)?;
        let facts = Facts { checksum: checksum.clone(), ..upload.facts };
        let object = Object { size, etag: etag.clone(), modified_ms: None, facts };
        self.write_model(key, &blob, object).await?;
        // Those that were uploaded and not named as well, as far as they are known.
        let others = self.part_keys(id).await.unwrap_or_default().into_iter().map(|(_, key)| key);
        let keys: BTreeSet<String> = places.into_iter().chain(others).collect();
        self.remove_upload(&folder, keys).await;
        Ok(Stored { etag, checksum })
    }

    /// Puts a part behind those before it. Its checksum is made anew, of what the store has.
    async fn join_part(
        &self,
        place: &str,
        part: &PartOf,
        algorithm: Option<Algorithm>,
        mut of_all: Option<&mut Running>,
        blob: &<P as Objects>::Blob,
    ) -> Result<Option<Checksum>, ObjectError> {
        let opened = self.platform.open_object(Place::Models, place).await?;
        let (_, stream) = opened.ok_or(ObjectError::NoPart(part.number))?;
        let mut sums = Sums::new(algorithm);
        while let Some(piece) = self.platform.next_piece(&stream).await? {
            sums.update(&piece);
            if let Some(of_all) = &mut of_all {
                of_all.update(&piece);
            }
            self.platform.keep(&stream, 0..piece.len(), blob);
        }
        let summed = sums.finish();
        if summed.etag() == part.etag { Ok(summed.checksum) } else { Err(ObjectError::NoPart(part.number)) }
    }

    /// Gives an upload up.
    ///
    /// # Errors
    /// If there is none, or the store fails.
    pub async fn abort_upload(&self, key: &str, id: &str) -> Result<(), ObjectError> {
        self.upload(key, id).await?;
        let known = self.part_keys(id).await?;
        self.remove_upload(&folder(id)?, known.into_iter().map(|(_, key)| key)).await;
        Ok(())
    }

    /// The uploads that are under way, with their ids.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn uploads(&self, prefix: &str) -> Result<Vec<(String, Upload)>, ObjectError> {
        let page = self.platform.object_page(Place::Models, HIDDEN, None).await?;
        let ids = page.objects.iter().filter_map(|(key, _)| key.strip_prefix(HIDDEN)?.strip_suffix("/upload"));
        let mut uploads = Vec::new();
        for id in ids.take(MOST_LISTED) {
            let upload = self.begun(id).await?.filter(|upload| upload.key.starts_with(prefix));
            uploads.extend(upload.map(|upload| (id.to_owned(), upload)));
        }
        uploads.sort_by(|(_, a), (_, b)| a.key.cmp(&b.key));
        Ok(uploads)
    }

    /// Removes what there is of an upload. What is left by a store that fails, it removes by itself after a day.
    async fn remove_upload(&self, folder: &str, parts: impl IntoIterator<Item = String>) {
        let keys: Vec<String> = parts.into_iter().chain([record(folder)]).collect();
        join_all(keys.iter().map(|key| self.platform.delete(Namespace::Models, key))).await;
    }
}

/// The most uploads that are listed: each is one read.
const MOST_LISTED: usize = 40;
