//! What the pictures are drawn with: bars and lines on a light card, which reads on dark pages as well.

use std::fmt::{Result, Write};

pub const OURS: &str = "#0b6e99";
pub const SECOND: &str = "#d98a1f";
pub const THIRD: &str = "#b5b5b5";

/// Where something is drawn, in pixels.
#[derive(Clone, Copy)]
pub struct Area {
    pub left: f64,
    pub right: f64,
    pub top: f64,
    pub bottom: f64,
}

/// Bars side by side, each a colour and a share.
pub struct Group {
    pub label: [&'static str; 2],
    pub bars: Vec<(&'static str, f64)>,
}

/// A whole picture.
pub fn drawn(title: &str, parts: impl FnOnce(&mut String) -> Result) -> std::result::Result<String, std::fmt::Error> {
    let mut svg = String::new();
    writeln!(
        svg,
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 900 420" width="900" height="420" font-family="sans-serif" font-size="12" fill="#333" role="img">
<title>{title}</title>
<rect width="900" height="420" rx="6" fill="#fafafa" stroke="#d0d0d0"/>"##
    )?;
    parts(&mut svg)?;
    writeln!(svg, "</svg>")?;
    Ok(svg)
}

pub fn heading(out: &mut String, x: f64, text: &str) -> Result {
    writeln!(out, r#"<text x="{x}" y="28" font-size="14" font-weight="bold">{text}</text>"#)
}

pub fn note(out: &mut String, x: f64, y: f64, text: &str) -> Result {
    writeln!(out, r#"<text x="{x}" y="{y}" font-size="11">{text}</text>"#)
}

pub fn legend(out: &mut String, x: f64, y: f64, colour: &str, name: &str) -> std::fmt::Result {
    writeln!(
        out,
        r#"<rect x="{x}" y="{y}" width="11" height="11" fill="{colour}"/><text x="{}" y="{}">{name}</text>"#,
        x + 16.0,
        y + 10.0
    )
}

/// Lines at each quarter, with their shares.
pub fn grid(out: &mut String, Area { left, right, top, bottom }: Area) -> Result {
    for share in [0.0, 0.25, 0.5, 0.75, 1.0] {
        let y = bottom - share * (bottom - top);
        writeln!(out, r##"<path d="M{left} {y:.1}H{right}" stroke="#e2e2e2"/>"##)?;
        writeln!(
            out,
            r#"<text x="{}" y="{:.1}" text-anchor="end" font-size="11">{:.0} %</text>"#,
            left - 6.0,
            y + 4.0,
            100.0 * share
        )?;
    }
    Ok(())
}

/// Groups of bars, and a line at what they must not be above.
pub fn bars(out: &mut String, area: Area, groups: &[Group], limit: Option<f64>) -> Result {
    let Area { left, right, top, bottom } = area;
    let height = |share: f64| share * (bottom - top);
    grid(out, area)?;
    let group = (right - left) / groups.len() as f64;
    let mut x = left;
    for Group { label, bars } in groups {
        let mut at = x + 5.0;
        for (colour, share) in bars {
            let (y, wide) = (bottom - height(*share), (group - 10.0) / bars.len() as f64);
            writeln!(
                out,
                r#"<rect x="{at:.1}" y="{y:.1}" width="{:.1}" height="{:.1}" fill="{colour}"/>"#,
                wide - 1.0,
                height(*share)
            )?;
            let middle = at + wide / 2.0;
            // Small ones stand above the line.
            let y = (y - 4.0).min(bottom - height(limit.unwrap_or(0.0)) - 4.0);
            let shown = if *share < 0.0995 { format!("{:.1}", 100.0 * share) } else { format!("{:.0}", 100.0 * share) };
            writeln!(out, r#"<text x="{middle:.1}" y="{y:.1}" text-anchor="middle" font-size="10">{shown}</text>"#)?;
            at += wide;
        }
        for (line, y) in label.iter().zip([bottom + 16.0, bottom + 30.0]) {
            writeln!(out, r#"<text x="{:.1}" y="{y}" text-anchor="middle">{line}</text>"#, x + group / 2.0)?;
        }
        x += group;
    }
    let Some(limit) = limit else { return Ok(()) };
    let at = bottom - height(limit);
    writeln!(out, r##"<path d="M{left} {at:.1}H{right}" stroke="#c0392b" stroke-dasharray="5 3"/>"##)?;
    writeln!(
        out,
        r##"<text x="{}" y="{:.1}" text-anchor="end" font-size="11" fill="#c0392b">{:.0} %</text>"##,
        left - 6.0,
        at - 1.0,
        100.0 * limit
    )
}

/// What equal parts of the groups have in common, below their labels.
pub fn below(out: &mut String, Area { left, right, bottom, .. }: Area, names: &[&str]) -> Result {
    let wide = (right - left) / names.len() as f64;
    let mut x = left;
    for name in names {
        let (from, to, y) = (x + 6.0, x + wide - 6.0, bottom + 42.0);
        writeln!(out, r##"<path d="M{from} {y}H{to}" stroke="#999"/>"##)?;
        writeln!(
            out,
            r#"<text x="{:.1}" y="{:.1}" text-anchor="middle">{name}</text>"#,
            f64::midpoint(from, to),
            y + 15.0
        )?;
        x += wide;
    }
    Ok(())
}
