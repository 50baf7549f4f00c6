//! S3's documents, written and read.

use quick_xml::Reader;
use quick_xml::escape::escape;
use quick_xml::events::Event;
use time::macros::format_description;
use time::{Duration, OffsetDateTime};

use crate::service::ObjectError;

const NAMESPACE: &str = "http://s3.amazonaws.com/doc/2006-03-01/";

/// A document that is being written.
pub(super) struct Xml(String);

impl Xml {
    /// The inside of a document's root, as `inside` writes it.
    pub fn document(root: &str, inside: impl FnOnce(&mut Xml)) -> Vec<u8> {
        let mut xml = Xml(format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<{root} xmlns=\"{NAMESPACE}\">"));
        inside(&mut xml);
        xml.0.push_str(&format!("</{root}>"));
        xml.0.into_bytes()
    }

    /// The same without a namespace, as errors are.
    pub fn error(inside: impl FnOnce(&mut Xml)) -> Vec<u8> {
        let mut xml = Xml("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error>".to_owned());
        inside(&mut xml);
        xml.0.push_str("</Error>");
        xml.0.into_bytes()
    }

    /// An element with a text.
    pub fn text(&mut self, name: &str, text: &str) {
        // What XML cannot hold at all would make the whole document unreadable.
        let text: String =
            text.chars().map(|c| if c.is_control() && !"\t\n\r".contains(c) { '\u{fffd}' } else { c }).collect();
        self.0.push_str(&format!("<{name}>{}</{name}>", escape(text.as_str())));
    }

    /// An element with others in it.
    pub fn element(&mut self, name: &str, inside: impl FnOnce(&mut Xml)) {
        self.0.push_str(&format!("<{name}>"));
        inside(self);
        self.0.push_str(&format!("</{name}>"));
    }
}

/// A document's elements that hold texts alone, grouped by the element that they stand in directly.
pub(super) struct Group {
    /// The element that they stand in.
    pub name: String,
    /// Each by its name.
    pub texts: Vec<(String, String)>,
}

impl Group {
    /// The text of one.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.texts.iter().find(|(key, _)| key == name).map(|(_, text)| text.as_str())
    }
}

/// Reads a document of two levels below its root, such as the list of parts that an upload is completed with.
pub(super) fn groups(document: &[u8]) -> Result<Vec<Group>, ObjectError> {
    let wrong = |problem: String| ObjectError::Xml(problem);
    let text = std::str::from_utf8(document).map_err(|_| wrong("it is not UTF-8".to_owned()))?;
    let mut reader = Reader::from_str(text);
    let mut groups: Vec<Group> = Vec::new();
    let mut open: Vec<String> = Vec::new();
    let mut content = String::new();
    loop {
        match reader.read_event().map_err(|error| wrong(error.to_string()))? {
            Event::Start(start) => {
                let name = start.local_name().as_ref().to_owned();
                if open.len() == 1 {
                    groups.push(Group { name: name.clone(), texts: Vec::new() });
                }
                if open.len() > 3 {
                    return Err(wrong("it has too many levels".to_owned()));
                }
                open.push(name);
                content.clear();
            }
            Event::Text(part) => content.push_str(&part),
            Event::CData(part) => content.push_str(&part),
            Event::GeneralRef(reference) => {
                let named = match reference.as_ref() {
                    "amp" => Some('&'),
                    "lt" => Some('<'),
                    "gt" => Some('>'),
                    "quot" => Some('"'),
                    "apos" => Some('\''),
                    _ => reference.resolve_char_ref().map_err(|error| wrong(error.to_string()))?,
                };
                content.push(named.ok_or_else(|| wrong("it has an entity that is not known".to_owned()))?);
            }
            Event::End(_) => {
                let name = open.pop().unwrap_or_default();
                let text = std::mem::take(&mut content);
                if open.len() == 2
                    && let Some(group) = groups.last_mut()
                {
                    group.texts.push((name, text));
                } else if open.len() == 1
                    && let Some(group) = groups.last_mut().filter(|group| group.texts.is_empty())
                {
                    // An element of the root with a text of its own.
                    group.texts.push((String::new(), text));
                }
            }
            Event::Eof if open.is_empty() => return Ok(groups),
            Event::Eof => return Err(wrong("it ends within an element".to_owned())),
            _ => {}
        }
    }
}

fn moment(ms: f64) -> OffsetDateTime {
    // A time that is none is the beginning of all.
    let ms = if ms.is_finite() { ms.clamp(0.0, 4e12) } else { 0.0 };
    OffsetDateTime::UNIX_EPOCH.checked_add(Duration::milliseconds(ms as i64)).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

/// A time as documents have it.
pub(super) fn time_in_xml(ms: f64) -> String {
    let form = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
    moment(ms).format(form).unwrap_or_default()
}

/// A time as headers have it.
pub(super) fn time_in_header(ms: f64) -> String {
    let form =
        format_description!("[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT");
    moment(ms).format(form).unwrap_or_default()
}
