//! `model.tar.gz`, as SageMaker takes it: an archive with one model file.

use std::io::{self, Read};

use flate2::read::GzDecoder;

use crate::error::LoadError;

/// The name that SageMaker's container has for a model of XGBoost.
const XGBOOST_MODEL: &str = "xgboost-model";
/// How names of other model files end.
const ENDINGS: [&str; 6] = [".json", ".ubj", ".onnx", ".txt", ".model", ".bst"];
/// What a file or all files together may have, unpacked: more than any model that a run has memory for.
const MOST_BYTES: u64 = 256 << 20;
/// More files than an archive of one model has.
const MOST_FILES: usize = 1_000;
/// How many names are told.
const TOLD: usize = 20;

/// The one model file in an archive: `xgboost-model`, else the only one whose name is that of a model.
///
/// # Errors
/// If there is none, or more than one, or the archive is broken or unpacks to too much.
pub fn unpacked(gzip: &[u8]) -> Result<Vec<u8>, LoadError> {
    unpacked_within(gzip, MOST_BYTES)
}

fn unpacked_within(gzip: &[u8], most: u64) -> Result<Vec<u8>, LoadError> {
    let broken = |error: io::Error| LoadError::Archive(format!("it is broken or no tar.gz: {error}"));
    let too_large =
        || LoadError::Archive(format!("it unpacks to more than {most} bytes; put the model file alone into it"));
    // One byte more tells that there is more.
    let mut archive = tar::Archive::new(GzDecoder::new(gzip).take(most.saturating_add(1)));
    let mut found: Vec<(String, Vec<u8>)> = Vec::new();
    let mut others = Vec::new();
    let mut unpacked = 0u64;
    for (count, entry) in archive.entries().map_err(broken)?.enumerate() {
        let mut entry = entry.map_err(broken)?;
        unpacked = unpacked.saturating_add(entry.size());
        if unpacked > most {
            return Err(too_large());
        }
        if count >= MOST_FILES {
            return Err(LoadError::Archive(format!(
                "it has more than {MOST_FILES} files; put the model file alone into it"
            )));
        }
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        if !is_model(&path) {
            others.push(path);
            continue;
        }
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).map_err(broken)?;
        if bytes.len() as u64 != entry.size() {
            return Err(broken(io::ErrorKind::UnexpectedEof.into()));
        }
        found.push((path, bytes));
    }
    let told = |names: &mut dyn Iterator<Item = &String>| {
        let names: Vec<String> = names.take(TOLD).map(|name| name.chars().take(100).collect()).collect();
        if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
    };
    match found.as_mut_slice() {
        [(_, bytes)] => Ok(std::mem::take(bytes)),
        [] => Err(LoadError::Archive(format!(
            "no file in it is a model by its name, which is `{XGBOOST_MODEL}` or ends with one of {}; it has: {}",
            ENDINGS.join(" "),
            told(&mut others.iter())
        ))),
        many => Err(LoadError::Archive(format!(
            "more than one file in it may be the model: {}; leave one",
            told(&mut many.iter().map(|(name, _)| name))
        ))),
    }
}

/// Whether a file is a model, by its place and name: no code, and nothing that a Mac adds.
fn is_model(path: &str) -> bool {
    let path = path.strip_prefix("./").unwrap_or(path);
    let name = path.rsplit('/').next().unwrap_or_default();
    let is_aside = path.starts_with("code/") || name.starts_with('.') || path.starts_with("__MACOSX/");
    !is_aside && (name == XGBOOST_MODEL || ENDINGS.iter().any(|ending| name.ends_with(ending)))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut builder = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        for (name, bytes) in files {
            let mut header = tar::Header::new_gnu();
            header.set_size(bytes.len() as u64);
            header.set_mode(0o644);
            builder.append_data(&mut header, name, *bytes).unwrap();
        }
        builder.into_inner().unwrap().finish().unwrap()
    }

    #[test]
    fn the_one_model_is_found() {
        let aside: [(&str, &[u8]); 4] = [
            ("./._xgboost-model", b"a"),
            ("code/inference.json", b"b"),
            ("requirements", b"c"),
            ("sub/.hidden.ubj", b"d"),
        ];
        for name in ["xgboost-model", "./xgboost-model", "model.ubj", "deep/model.onnx", "lightgbm.txt"] {
            let files: Vec<_> = aside.into_iter().chain([(name, &b"the model"[..])]).collect();
            assert_eq!(unpacked(&archive(&files)).unwrap(), b"the model", "{name}");
        }
    }

    #[test]
    fn none_or_more_are_refused_by_their_names() {
        let refused = |files: &[(&str, &[u8])], words: &str| {
            let error = unpacked(&archive(files)).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        };
        refused(&[("model.pkl", b"a"), ("code/x.json", b"b")], "it has: model.pkl, code/x.json");
        refused(&[], "it has: nothing");
        refused(&[("xgboost-model", b"a"), ("model.json", b"b")], "xgboost-model, model.json; leave one");
    }

    #[test]
    fn what_unpacks_to_too_much_is_refused() {
        let large = archive(&[("model.ubj", &vec![0; 20_000])]);
        assert!(large.len() < 1_000);
        let error = unpacked_within(&large, 10_000).unwrap_err().to_string();
        assert!(error.contains("unpacks to more than 10000 bytes"), "{error}");
        let aside = archive(&[("big.bin", &vec![0; 20_000]), ("model.ubj", b"x")]);
        assert!(unpacked_within(&aside, 10_000).is_err());
        assert_eq!(unpacked_within(&aside, 100_000).unwrap(), b"x");
    }

    #[test]
    fn broken_archives_are_refused() {
        let whole = archive(&[("model.ubj", b"some bytes of a model")]);
        for end in 0..whole.len().saturating_sub(30) {
            assert!(unpacked(whole.get(..end).unwrap()).is_err(), "{end}");
        }
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(b"no archive, but a text of some length").unwrap();
        assert!(unpacked(&gzip.finish().unwrap()).is_err());
    }
}
