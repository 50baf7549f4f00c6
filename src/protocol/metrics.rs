//! `GET /metrics`, as Prometheus scrapes it: text 0.0.4, or OpenMetrics 1.0 where `Accept` asks for it
//! (<https://prometheus.io/docs/instrumenting/exposition_formats/>). All figures are durable sums, so that counters never begin
//! again.

use std::fmt::Write;

use http::{Method, StatusCode, header};

use super::native::refuse;
use super::respond::{Answer, insert, respond};
use crate::endpoint::Name;
use crate::experiment::{Line, LostCaptures, Scoreboard, Status};
use crate::platform::Platform;
use crate::request::{Request, segments};
use crate::service::{Error, FollowUps, Service};

const PLAIN: &str = "text/plain; version=0.0.4; charset=utf-8";
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Whether a request asks for metrics.
pub(super) fn claims(request: &Request) -> bool {
    segments(&request.plain_path()).as_slice() == ["metrics"]
}

/// Answers with the metrics of the endpoints that the caller may invoke or administer.
pub(super) async fn answer<P: Platform>(service: &Service<'_, P>, request: Request) -> Answer {
    let mut refresh = Vec::new();
    let response = match scoreboards(service, &request, &mut refresh).await {
        Ok(scoreboards) => {
            let open =
                request.header(header::ACCEPT).is_some_and(|accept| accept.contains("application/openmetrics-text"));
            let text = text(&scoreboards, if open { Format::OpenMetrics } else { Format::Plain });
            respond(StatusCode::OK, if open { OPEN_METRICS } else { PLAIN }, text.into_bytes())
        }
        Err(error) => refuse(&error),
    };
    let mut answer = Answer { response, follow_ups: FollowUps::refresh(refresh) };
    insert(answer.response.headers_mut(), header::CACHE_CONTROL, "no-cache");
    answer
}

async fn scoreboards<P: Platform>(
    service: &Service<'_, P>,
    request: &Request,
    refresh: &mut Vec<Name>,
) -> Result<Vec<(Name, Option<Scoreboard>)>, Error> {
    request.allow(&Method::GET, "GET")?;
    service.scoreboards(request, refresh).await
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    Plain,
    OpenMetrics,
}

/// What a family's samples are.
#[derive(Clone, Copy)]
enum Kind {
    Counter,
    Gauge,
    Summary,
}

/// One family after another: all samples of one stand together.
struct Families {
    format: Format,
    text: String,
}

impl Families {
    /// Begins a family. `name` has its unit, and no `_total`.
    fn begin(&mut self, name: &str, kind: Kind, unit: &str, help: &str) {
        let family = match (self.format, kind) {
            (Format::Plain, Kind::Counter) => format!("{name}_total"),
            _ => name.to_owned(),
        };
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Summary => "summary",
        };
        // Writing into memory does not fail.
        let _ = writeln!(self.text, "# HELP {family} {help}");
        let _ = writeln!(self.text, "# TYPE {family} {kind}");
        if self.format == Format::OpenMetrics && !unit.is_empty() {
            let _ = writeln!(self.text, "# UNIT {family} {unit}");
        }
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        self.text.push_str(name);
        for (at, (label, value)) in labels.iter().enumerate() {
            let _ = write!(self.text, "{}{label}=\"", if at == 0 { '{' } else { ',' });
            for c in value.chars() {
                match c {
                    '\\' => self.text.push_str("\\\\"),
                    '"' => self.text.push_str("\\\""),
                    '\n' => self.text.push_str("\\n"),
                    c => self.text.push(c),
                }
            }
            self.text.push('"');
        }
        let _ = writeln!(self.text, "{} {value}", if labels.is_empty() { "" } else { "}" });
    }
}

/// A figure of a line.
type Figure = fn(&Line) -> Option<f64>;

/// A figure of an endpoint.
type EndpointFigure = fn(&Scoreboard) -> f64;

fn count(count: u64) -> Option<f64> {
    // Exact up to 2^53.
    Some(count as f64)
}

fn text(scoreboards: &[(Name, Option<Scoreboard>)], format: Format) -> String {
    let mut families = Families { format, text: String::new() };
    families.begin("turnout_experiment_up", Kind::Gauge, "", "Whether the endpoint's experiment answered.");
    for (name, scoreboard) in scoreboards {
        let up = f64::from(u8::from(scoreboard.is_some()));
        families.sample("turnout_experiment_up", &[("endpoint", name.as_str())], up);
    }
    let known: Vec<(&str, &Scoreboard)> =
        scoreboards.iter().filter_map(|(name, scoreboard)| Some((name.as_str(), scoreboard.as_ref()?))).collect();
    let lines = || known.iter().flat_map(|(name, scoreboard)| scoreboard.lines.iter().map(|line| (*name, line)));
    let variant = |line: &Line| line.variant.clone().unwrap_or_default();

    families.begin(
        "turnout_invocations",
        Kind::Counter,
        "",
        "Requests, by the variant that was chosen and why it was.",
    );
    for (name, line) in lines() {
        let mut reasons: Vec<(&str, u64)> =
            line.by_reason.iter().map(|(reason, count)| (reason.as_str(), *count)).collect();
        let chosen = reasons.iter().fold(0u64, |sum, (_, count)| sum.saturating_add(*count));
        if line.invocations > chosen {
            reasons.push(("", line.invocations.saturating_sub(chosen)));
        }
        for (reason, count) in reasons {
            let labels = [("endpoint", name), ("variant", &variant(line)), ("reason", reason)];
            families.sample("turnout_invocations_total", &labels, count as f64);
        }
    }
    families.begin(
        "turnout_errors",
        Kind::Counter,
        "",
        "Requests that the chosen variant did not answer, by the party at fault.",
    );
    for (name, line) in lines() {
        for (party, errors) in
            [("caller", line.errors.caller), ("variant", line.errors.variant), ("other", line.errors.other)]
        {
            let labels = [("endpoint", name), ("variant", &variant(line)), ("party", party)];
            families.sample("turnout_errors_total", &labels, errors as f64);
        }
    }
    let counters: [(&str, &str, &str, Figure); 5] = [
        ("turnout_fallbacks", "", "Requests that the fallback answered, as the chosen variant had failed.", |line| {
            count(line.fallbacks)
        }),
        ("turnout_stood_in", "", "Requests that the variant answered in place of another.", |line| {
            count(line.stood_in)
        }),
        ("turnout_predicted_rows", "", "Rows that were predicted.", |line| count(line.rows)),
        ("turnout_request_bytes", "bytes", "Bytes of the requests' bodies.", |line| count(line.bytes_in)),
        ("turnout_response_bytes", "bytes", "Bytes of the responses' bodies.", |line| count(line.bytes_out)),
    ];
    for (family, unit, help, figure) in counters {
        families.begin(family, Kind::Counter, unit, help);
        for (name, line) in lines() {
            let labels = [("endpoint", name), ("variant", &variant(line))];
            families.sample(&format!("{family}_total"), &labels, figure(line).unwrap_or(0.0));
        }
    }
    let family = "turnout_origin_duration_seconds";
    families.begin(
        family,
        Kind::Summary,
        "seconds",
        "Time waited for model hosts; quantiles are of all time, within 1 %.",
    );
    for (name, line) in lines() {
        let Some(latency) = &line.origin_ms else { continue };
        let (endpoint, variant) = (("endpoint", name), variant(line));
        for (quantile, ms) in [("0.5", latency.p50), ("0.9", latency.p90), ("0.99", latency.p99)] {
            families.sample(family, &[endpoint, ("variant", &variant), ("quantile", quantile)], ms / 1000.0);
        }
        families.sample(&format!("{family}_sum"), &[endpoint, ("variant", &variant)], latency.sum / 1000.0);
        families.sample(&format!("{family}_count"), &[endpoint, ("variant", &variant)], latency.count as f64);
    }
    let shares: [(&str, &str, Figure); 2] = [
        ("turnout_traffic_share_ratio", "The variant's share of the requests that were drawn.", |line| line.share),
        ("turnout_expected_share_ratio", "What that should be by the weights.", |line| line.expected_share),
    ];
    for (family, help, figure) in shares {
        families.begin(family, Kind::Gauge, "ratio", help);
        for (name, line) in lines() {
            if let Some(value) = figure(line) {
                families.sample(family, &[("endpoint", name), ("variant", &variant(line))], value);
            }
        }
    }
    let of_endpoints: [(&str, Kind, &str, &str, EndpointFigure); 3] = [
        (
            "turnout_split_p_value",
            Kind::Gauge,
            "",
            "The probability of such a split of the traffic, if it is as the weights say; valid at every look.",
            |scoreboard| scoreboard.split.p_value,
        ),
        (
            "turnout_lost_invocations",
            Kind::Counter,
            "",
            "Requests whose sums were dropped for want of room.",
            |scoreboard| scoreboard.lost as f64,
        ),
        ("turnout_experiment_size_bytes", Kind::Gauge, "bytes", "Bytes of the experiment's database.", |scoreboard| {
            scoreboard.bytes as f64
        }),
    ];
    for (family, kind, unit, help, figure) in of_endpoints {
        families.begin(family, kind, unit, help);
        let sample = if matches!(kind, Kind::Counter) { format!("{family}_total") } else { family.to_owned() };
        for (name, scoreboard) in &known {
            families.sample(&sample, &[("endpoint", name)], figure(scoreboard));
        }
    }
    let family = "turnout_captured_lines";
    families.begin(family, Kind::Counter, "", "Captured lines that are in the bucket.");
    for (name, scoreboard) in &known {
        families.sample(&format!("{family}_total"), &[("endpoint", name)], scoreboard.capture.lines as f64);
    }
    let family = "turnout_lost_captures";
    families.begin(family, Kind::Counter, "", "What was to be captured and is not in the bucket, by the reason.");
    for (name, scoreboard) in &known {
        let LostCaptures { too_large, unreadable, no_room, failed } = scoreboard.capture.lost;
        let lost = [("too_large", too_large), ("unreadable", unreadable), ("no_room", no_room), ("failed", failed)];
        for (reason, count) in lost {
            families.sample(&format!("{family}_total"), &[("endpoint", name), ("reason", reason)], count as f64);
        }
    }
    let family = "turnout_policy_status";
    families.begin(family, Kind::Gauge, "", "1 of where the endpoint's policy is, 0 of where it might be.");
    for (name, scoreboard) in &known {
        let Some(policy) = scoreboard.policy else { continue };
        for status in Status::ALL {
            // As answers have it.
            let named = status.as_str().replace(' ', "_");
            let labels = [("endpoint", *name), ("status", named.as_str())];
            families.sample(family, &labels, f64::from(u8::from(policy == status)));
        }
    }
    let family = "turnout_endpoint_revision_info";
    families.begin(family, Kind::Gauge, "", "The revision that is served.");
    for (name, scoreboard) in &known {
        if let Some(revision) = &scoreboard.revision {
            families.sample(family, &[("endpoint", name), ("revision", revision)], 1.0);
        }
    }
    if format == Format::OpenMetrics {
        families.text.push_str("# EOF\n");
    }
    families.text
}
