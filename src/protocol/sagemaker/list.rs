//! Pages of listings, in the order that is asked for.

use std::cmp::Ordering;
use std::fmt::Display;

use super::requests::List;
use crate::platform::Times;
use crate::request::RequestError;

/// A thing of a listing, by its name.
pub(super) type Listed<N> = (N, Option<Times>);

/// A page of a listing, and the token of the next.
type Page<N> = (Vec<Listed<N>>, Option<String>);

/// The page that is asked for, of at most `most` things, and the token of the next. AWS's clients take any number up to the
/// `MaxResults` that they ask for.
pub(super) fn page<N: Clone + Ord + Display + for<'a> TryFrom<&'a str>>(
    mut all: Vec<Listed<N>>,
    list: &List,
    most: usize,
) -> Result<Page<N>, RequestError> {
    let refused = |what: &str| Err(RequestError::Operation(what.to_owned()));
    let by_name = match list.sort_by.as_deref() {
        None | Some("CreationTime") => false,
        Some("Name") => true,
        Some(_) => return refused("`SortBy` is Name or CreationTime"),
    };
    let ascending = match list.sort_order.as_deref() {
        None | Some("Descending") => false,
        Some("Ascending") => true,
        Some(_) => return refused("`SortOrder` is Ascending or Descending"),
    };
    let size = match list.max_results {
        None => 10,
        Some(size @ 1..=100) => size.into(),
        Some(_) => return refused("`MaxResults` is 1 to 100"),
    };
    let size = size.min(most);
    let order = |a: &Listed<N>, b: &Listed<N>| {
        let by_time = if by_name { Ordering::Equal } else { created(a).total_cmp(&created(b)) };
        let order = by_time.then_with(|| a.0.cmp(&b.0));
        if ascending { order } else { order.reverse() }
    };
    all.retain(|listed| is_asked_for(listed, list));
    all.sort_by(&order);
    if let Some(token) = &list.next_token {
        // The last thing of the page before: it may be gone by now, but its place is still known.
        let Some(last) = parse(token) else { return refused("`NextToken` is not one that was given here") };
        all.retain(|listed| order(&last, listed) == Ordering::Less);
    }
    let more = all.len() > size;
    all.truncate(size);
    let next = all.last().filter(|_| more).map(|last| format!("{}:{}", created(last), last.0));
    Ok((all, next))
}

/// Milliseconds since the Unix epoch; what somebody else wrote is older than all.
fn created<N>(listed: &Listed<N>) -> f64 {
    listed.1.and_then(|times| times.created_ms).unwrap_or(0.0)
}

fn parse<N: for<'a> TryFrom<&'a str>>(token: &str) -> Option<Listed<N>> {
    let (created, name) = token.split_once(':')?;
    let created_ms: f64 = created.parse().ok()?;
    Some((N::try_from(name).ok()?, Some(Times::created(created_ms))))
}

fn is_asked_for<N: Display>((name, times): &Listed<N>, list: &List) -> bool {
    let within = |ms: Option<f64>, after: Option<f64>, before: Option<f64>| match ms {
        Some(ms) => after.is_none_or(|after| ms > after * 1000.0) && before.is_none_or(|before| ms < before * 1000.0),
        // Whoever asks by time does not mean what has none.
        None => after.is_none() && before.is_none(),
    };
    list.name_contains.as_ref().is_none_or(|part| name.to_string().contains(part))
        && within(times.and_then(|times| times.created_ms), list.creation_time_after, list.creation_time_before)
        && within(times.map(|times| times.modified_ms), list.last_modified_time_after, list.last_modified_time_before)
}

#[cfg(test)]
#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)]
mod tests {
    use super::*;
    use crate::endpoint::Name;

    fn list(json: &str) -> List {
        super::super::requests::parse(json.as_bytes()).unwrap()
    }

    const MOST: usize = usize::MAX;

    fn all() -> Vec<Listed<Name>> {
        let at = |ms: f64| Some(Times::created(ms));
        let named = |name: &str| Name::try_from(name).unwrap();
        let mut all: Vec<Listed<Name>> =
            (0..25).map(|i| (named(&format!("e{i}")), at(f64::from(i / 2) * 1000.0))).collect();
        all.push((named("by-hand"), None));
        all
    }

    #[test]
    fn pages_hold_each_thing_once_whatever_the_order() {
        for order in [
            r#""SortOrder": "Ascending""#,
            r#""SortOrder": "Descending""#,
            r#""SortBy": "Name""#,
            r#""SortBy": "Name", "SortOrder": "Ascending""#,
        ] {
            let (mut seen, mut token) = (Vec::new(), String::new());
            loop {
                let (page, next) =
                    page(all(), &list(&format!(r#"{{"MaxResults": 4, {order}{token}}}"#)), MOST).unwrap();
                seen.extend(page);
                match next {
                    Some(next) => token = format!(r#", "NextToken": "{next}""#),
                    None => break,
                }
            }
            let whole = page(all(), &list(&format!(r#"{{"MaxResults": 100, {order}}}"#)), MOST).unwrap().0;
            assert_eq!(seen, whole, "{order}");
            let mut names: Vec<String> = seen.iter().map(|listed| listed.0.to_string()).collect();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), 26);
        }
    }

    #[test]
    fn newest_first_unless_asked_and_filtered() {
        let (first, next) = page(all(), &list("{}"), MOST).unwrap();
        assert_eq!((first.len(), first[0].0.as_str(), next.is_some()), (10, "e24", true));
        let (found, next) = page(all(), &list(r#"{"NameContains": "e2"}"#), MOST).unwrap();
        assert_eq!((found.len(), next), (6, None)); // e2, e20 to e24
        let (found, _) = page(all(), &list(r#"{"CreationTimeAfter": 11, "SortOrder": "Ascending"}"#), MOST).unwrap();
        assert_eq!(found.iter().map(|listed| listed.0.as_str()).collect::<Vec<_>>(), ["e24"]);
    }

    #[test]
    fn what_cannot_be_listed_so_is_refused() {
        for bad in [
            r#"{"MaxResults": 0}"#,
            r#"{"MaxResults": 101}"#,
            r#"{"SortBy": "Status"}"#,
            r#"{"SortOrder": "up"}"#,
            r#"{"NextToken": "x"}"#,
            r#"{"NextToken": "NaN:-"}"#,
        ] {
            assert!(page(all(), &list(bad), MOST).is_err(), "{bad}");
        }
    }
}
