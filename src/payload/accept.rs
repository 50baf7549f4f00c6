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

/// Whether the first line of CSV is a header (RFC 4180, section 3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Header {
    /// The body itself tells.
    #[default]
    Unsaid,
    /// `header=present`
    Present,
    /// `header=absent`
    Absent,
}

/// What a `Content-Type` says of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContentType {
    /// Its format.
    pub format: Format,
    /// Of CSV.
    pub header: Header,
}

impl From<Format> for ContentType {
    fn from(format: Format) -> Self {
        ContentType { format, header: Header::Unsaid }
    }
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

    /// The format to answer in by an `Accept` header (RFC 9110, section 12.5.1): the one of the highest quality, by the
    /// range that names it most closely; of equal ones, the first that the caller names; `preferred` where anything will do.
    ///
    /// # Errors
    /// If the caller accepts none of the formats.
    pub fn accepted(accept: Option<&str>, preferred: Format) -> Result<Format, FormatError> {
        let Some(accept) = accept.filter(|accept| !accept.trim().is_empty()) else { return Ok(preferred) };
        let mut best: Option<(f32, usize, Format)> = None;
        // One that comes again is no better.
        for format in [preferred].into_iter().chain(Self::ALL) {
            let ranges = accept.split(',').enumerate();
            let closeness = ranges.filter_map(|(at, range)| Some((format.closeness(essence(range))?, at, range)));
            // The first of those that are equally close.
            let closest = closeness.reduce(|best, next| if next.0 > best.0 { next } else { best });
            let Some((_, at, range)) = closest else { continue };
            let quality = quality(range);
            let is_better =
                |(highest, first, _): (f32, usize, Format)| quality > highest || (quality == highest && at < first);
            if quality > 0.0 && best.is_none_or(is_better) {
                best = Some((quality, at, format));
            }
        }
        best.map(|(_, _, format)| format).ok_or_else(|| FormatError::Accept(accept.chars().take(100).collect()))
    }

    /// How closely a media range names this format: 2 by its own name, 1 by its kind, 0 as anything; nothing if not at all.
    fn closeness(self, range: &str) -> Option<u8> {
        let own = self.media_type();
        let kind = own.split('/').next().unwrap_or_default();
        match range.split_once('/') {
            _ if self.is(range) => Some(2),
            Some((named, "*")) if named.eq_ignore_ascii_case(kind) => Some(1),
            Some(("*", "*")) => Some(0),
            _ => None,
        }
    }

    /// Whether a media type is this format's, by its own name or one that others give it.
    fn is(self, essence: &str) -> bool {
        let is = |name: &str| essence.eq_ignore_ascii_case(name);
        is(self.media_type()) || self == Format::JsonLines && (is("application/x-ndjson") || is("application/jsonl"))
    }
}

impl ContentType {
    /// What a `Content-Type` says; parameters such as `charset` do not matter.
    ///
    /// # Errors
    /// If it is missing or names something else: a body is never guessed at.
    pub fn of(content_type: Option<&str>) -> Result<ContentType, FormatError> {
        let content_type = content_type.unwrap_or_default();
        let essence = essence(content_type);
        let format = Format::ALL.into_iter().find(|format| format.is(essence));
        let format = format.ok_or_else(|| FormatError::ContentType(content_type.chars().take(100).collect()))?;
        let header = match parameter(content_type, "header") {
            Some(value) if value.eq_ignore_ascii_case("present") => Header::Present,
            Some(value) if value.eq_ignore_ascii_case("absent") => Header::Absent,
            _ => Header::Unsaid,
        };
        Ok(ContentType { format, header })
    }
}

/// A media type without its parameters.
pub(crate) fn essence(media_type: &str) -> &str {
    media_type.split(';').next().unwrap_or_default().trim()
}

/// The `q` parameter of a media range: 1 unless given, 0 if it cannot be read.
fn quality(range: &str) -> f32 {
    parameter(range, "q").map_or(1.0, |quality| quality.parse().unwrap_or(0.0))
}

/// A parameter of a media type.
fn parameter<'a>(media_type: &'a str, wanted: &str) -> Option<&'a str> {
    media_type.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case(wanted).then(|| value.trim().trim_matches('"'))
    })
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
            ("text/*", None),
            ("*/*", None),
        ] {
            assert_eq!(ContentType::of(Some(given)).ok().map(|read| read.format), expected, "{given}");
        }
        assert!(ContentType::of(None).is_err());
        for (given, expected) in [
            ("text/csv", Header::Unsaid),
            ("text/csv; charset=utf-8; header=present", Header::Present),
            ("text/csv;Header=\"Absent\"", Header::Absent),
        ] {
            assert_eq!(ContentType::of(Some(given)).unwrap().header, expected, "{given}");
        }
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
            ("application/json;q=0, */*", Some(Format::Csv)),
            ("*/*;q=0.5, application/jsonlines;q=0.6, text/csv;q=0.1", Some(Format::JsonLines)),
            ("text/csv;q=0.5, */*", Some(Format::Json)),
            ("text/html", None),
            ("application/json;q=nonsense", None),
        ] {
            assert_eq!(Format::accepted(Some(given), Format::Json).ok(), expected, "{given}");
        }
        assert_eq!(Format::accepted(None, Format::Json), Ok(Format::Json));
        for (given, expected) in [
            ("", Format::Csv),
            ("*/*", Format::Csv),
            ("application/json, */*", Format::Json),
            ("application/json, */*;q=0.5", Format::Json),
            ("application/*", Format::Json),
            ("text/csv;q=0, */*", Format::Json),
            ("application/jsonlines", Format::JsonLines),
        ] {
            assert_eq!(Format::accepted(Some(given), Format::Csv), Ok(expected), "{given}");
        }
        assert_eq!(Format::accepted(None, Format::Csv), Ok(Format::Csv));
    }
}
