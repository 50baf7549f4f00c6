//! Media types: which format a body has, and which one the caller wants back.

/// A format of tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `application/json`
    Json,
    /// `application/jsonlines`
    JsonLines,
    /// `text/csv`
    Csv,
}

/// Why a media type cannot be served.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// The body's type is missing or unknown.
    #[error("a body of type `{0}` cannot be read")]
    ContentType(String),
    /// The caller accepts nothing that can be written.
    #[error("none of the accepted types `{0}` can be written")]
    Accept(String),
}

impl Format {
    /// All of them, the preferred one first.
    const ALL: [Format; 3] = [Format::Json, Format::Csv, Format::JsonLines];

    /// The media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Format::Json => "application/json",
            Format::JsonLines => "application/jsonlines",
            Format::Csv => "text/csv",
        }
    }

    /// The format that a `Content-Type` names; parameters such as `charset` do not matter.
    ///
    /// # Errors
    /// If it is missing or names something else: a body is never guessed at.
    pub fn of_content_type(content_type: Option<&str>) -> Result<Format, FormatError> {
        let content_type = content_type.unwrap_or_default();
        let essence = essence(content_type);
        Self::ALL
            .into_iter()
            .find(|format| format.matches(essence))
            .ok_or_else(|| FormatError::ContentType(content_type.chars().take(100).collect()))
    }

    /// The format to answer in by an `Accept` header (RFC 9110, section 12.5.1): the one of the highest quality;
    /// of equal ones, the first that the caller names; JSON where anything will do.
    ///
    /// # Errors
    /// If the caller accepts none of the formats.
    pub fn accepted(accept: Option<&str>) -> Result<Format, FormatError> {
        let Some(accept) = accept.filter(|accept| !accept.trim().is_empty()) else { return Ok(Format::Json) };
        let mut best: Option<(f32, Format)> = None;
        for range in accept.split(',') {
            let quality = quality(range);
            let named = Self::ALL.into_iter().find(|format| format.matches(essence(range)));
            if let Some(format) = named
                && quality > 0.0
                && best.is_none_or(|(highest, _)| quality > highest)
            {
                best = Some((quality, format));
            }
        }
        best.map(|(_, format)| format).ok_or_else(|| FormatError::Accept(accept.chars().take(100).collect()))
    }

    /// Whether a media type or range, such as `text/*`, covers this format.
    fn matches(self, essence: &str) -> bool {
        let own = self.media_type();
        let is = |text: &str| essence.eq_ignore_ascii_case(text);
        is(own)
            || is("*/*")
            || matches!(essence.split_once('/'), Some((kind, "*")) if own.split('/').next().is_some_and(|k| k.eq_ignore_ascii_case(kind)))
            // Names that others give to JSON lines.
            || self == Format::JsonLines && (is("application/x-ndjson") || is("application/jsonl"))
    }
}

/// A media type without its parameters.
pub(crate) fn essence(media_type: &str) -> &str {
    media_type.split(';').next().unwrap_or_default().trim()
}

/// The `q` parameter of a media range: 1 unless given, 0 if it cannot be read.
fn quality(range: &str) -> f32 {
    let parameter = range.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("q").then(|| value.trim())
    });
    parameter.map_or(1.0, |quality| quality.parse().unwrap_or(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_types() {
        for (given, expected) in [
            ("application/json", Some(Format::Json)),
            ("Application/JSON; charset=utf-8", Some(Format::Json)),
            ("text/csv", Some(Format::Csv)),
            ("application/jsonlines", Some(Format::JsonLines)),
            ("application/x-ndjson", Some(Format::JsonLines)),
            ("", None),
            ("application/x-www-form-urlencoded", None),
        ] {
            assert_eq!(Format::of_content_type(Some(given)).ok(), expected, "{given}");
        }
        assert!(Format::of_content_type(None).is_err());
    }

    #[test]
    fn accept() {
        for (given, expected) in [
            ("", Some(Format::Json)),
            ("*/*", Some(Format::Json)),
            ("text/csv", Some(Format::Csv)),
            ("text/*", Some(Format::Csv)),
            ("text/html, application/xhtml+xml, */*;q=0.8", Some(Format::Json)),
            ("application/json;q=0.5, text/csv", Some(Format::Csv)),
            ("text/csv, application/json", Some(Format::Csv)),
            ("application/jsonlines", Some(Format::JsonLines)),
            ("text/csv;q=0, application/json;q=0.1", Some(Format::Json)),
            ("text/html", None),
            ("application/json;q=nonsense", None),
        ] {
            assert_eq!(Format::accepted(Some(given)).ok(), expected, "{given}");
        }
        assert_eq!(Format::accepted(None), Ok(Format::Json));
    }
}
