//! What a file is, by its first bytes.

use crate::error::LoadError;

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// ONNX, or nothing that is known.
    Onnx,
    /// JSON, which XGBoost saves.
    XgboostJson,
    /// UBJSON, which XGBoost saves.
    XgboostUbjson,
    /// LightGBM's text.
    LightGbm,
    /// A gzip stream, which a `model.tar.gz` is.
    Gzip,
    /// A file that is recognised only to tell how to save the model anew.
    Refused {
        /// What it is.
        what: &'static str,
        /// How to save it.
        fix: &'static str,
    },
}

/// Where the name of the objective begins in XGBoost's oldest form, behind the parameters.
const OLD_XGBOOST_OBJECTIVE: usize = 136;

const OLD_XGBOOST: Kind = Kind::Refused {
    what: "XGBoost's old binary form, which XGBoost 3.1 and later do not read either",
    fix: "load it by the XGBoost that saved it (before 3.1), and save it anew: booster.save_model(\"model.ubj\")",
};

impl Kind {
    /// The kind of a file.
    pub fn of(bytes: &[u8]) -> Kind {
        let text = bytes.trim_ascii_start();
        match bytes {
            [0x1f, 0x8b, ..] => Kind::Gzip,
            [b'P', b'K', 3 | 5, 4 | 6, ..] => Kind::Refused {
                what: "a zip archive, as PyTorch and Keras save",
                fix: "export it to ONNX: torch.onnx.export(model, example, \"model.onnx\")",
            },
            // The protocol's number follows.
            [0x80, 2..=5, ..] => Kind::Refused {
                what: "a pickle, which only Python runs, and which may run anything",
                fix: "save it anew: booster = pickle.load(open(\"xgboost-model\", \"rb\")); \
                      booster.save_model(\"xgboost-model\")",
            },
            [b'b', b'i', b'n', b'f', ..] | [b'b', b's', b'6', b'4', ..] => OLD_XGBOOST,
            _ if is_old_xgboost(bytes) => OLD_XGBOOST,
            [b't', b'r', b'e', b'e', b'\n' | b'\r', ..] => Kind::LightGbm,
            // The length of the first name follows, by its type; or of an object, the type or the number of its members.
            [b'{', b'L' | b'l' | b'I' | b'i' | b'U' | b'$' | b'#', ..] => Kind::XgboostUbjson,
            _ if text.starts_with(b"{") => Kind::XgboostJson,
            _ => Kind::Onnx,
        }
    }

    /// # Errors
    /// If it is recognised only to be refused.
    pub fn checked(self) -> Result<Kind, LoadError> {
        match self {
            Kind::Refused { what, fix } => Err(LoadError::Form { what, fix }),
            kind => Ok(kind),
        }
    }
}

/// Whether the name of an objective stands where XGBoost's oldest form has it.
fn is_old_xgboost(bytes: &[u8]) -> bool {
    let Some((length, rest)) = bytes.get(OLD_XGBOOST_OBJECTIVE..).and_then(|rest| rest.split_first_chunk()) else {
        return false;
    };
    let name = usize::try_from(u64::from_le_bytes(*length)).ok().and_then(|length| rest.get(..length.min(64)));
    name.is_some_and(|name| {
        let is_name = |byte: &u8| byte.is_ascii_lowercase() || matches!(byte, b':' | b'_');
        [&b"reg:"[..], b"binary:", b"multi:", b"rank:", b"count:", b"survival:"].iter().any(|it| name.starts_with(it))
            && name.iter().all(is_name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_told_by_their_first_bytes() {
        let refused = |bytes: &[u8], words: &str| {
            let error = Kind::of(bytes).checked().unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        };
        assert_eq!(Kind::of(b"\x08\x08\x12"), Kind::Onnx);
        assert_eq!(Kind::of(b""), Kind::Onnx);
        assert_eq!(Kind::of(b"{L\0\0\0\0\0\0\0\x07learner"), Kind::XgboostUbjson);
        assert_eq!(Kind::of(b"{\"learner\":{}}"), Kind::XgboostJson);
        assert_eq!(Kind::of(b"\n  { \"learner\": {}}"), Kind::XgboostJson);
        assert_eq!(Kind::of(b"tree\nversion=v4\n"), Kind::LightGbm);
        assert_eq!(Kind::of(b"\x1f\x8b\x08\0"), Kind::Gzip);
        refused(b"PK\x03\x04", "torch.onnx.export");
        refused(b"\x80\x04\x95", "booster.save_model(\"xgboost-model\")");
        refused(b"binf\0\0", "booster.save_model(\"model.ubj\")");
        let mut old = vec![0; OLD_XGBOOST_OBJECTIVE];
        old.extend(15u64.to_le_bytes());
        old.extend(b"binary:logistic");
        refused(&old, "booster.save_model(\"model.ubj\")");
    }
}
