//! A timeline as a picture.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::{Row, Timeline, time};

/// How many rows are drawn at most.
const SHOWN: usize = 1000;

const LEFT: usize = 180;
const TOP: usize = 46;
const STEP: usize = 30;
const LANE: usize = 34;

const STYLE: &str = "text{font:12px ui-monospace,monospace;fill:#24292f}\
    .lane{stroke:#d0d7de;stroke-width:2}.step{fill:#0969da}.end{fill:#1a7f37}.panic{fill:#cf222e}\
    .wake{stroke:#8250df;stroke-width:1.2;fill:none;marker-end:url(#tip)}\
    .fault{fill:#bf8700}.time{stroke:#bf8700;stroke-dasharray:3 3}.small{font-size:9px;fill:#57606a}";

pub(super) fn draw(timeline: &Timeline) -> String {
    let rows = &timeline.rows[timeline.rows.len().saturating_sub(SHOWN)..];
    let tasks: BTreeSet<u32> = rows
        .iter()
        .flat_map(|row| row.task.iter().chain(&row.spawned).chain(&row.woken))
        .copied()
        .collect();
    let lanes: BTreeMap<u32, usize> = tasks
        .iter()
        .enumerate()
        .map(|(lane, task)| (*task, TOP + lane * LANE + LANE / 2))
        .collect();
    let width = (LEFT + rows.len() * STEP + 40).max(640);
    let height = TOP + tasks.len() * LANE + 40;
    let mut svg = String::new();
    // Writing to a string cannot fail.
    let _ = write!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\"><style>{STYLE}</style><defs><marker id=\"tip\" \
         viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"7\" markerHeight=\"7\" \
         orient=\"auto\"><path d=\"M0 0L8 4L0 8z\" fill=\"#8250df\"/></marker></defs>\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\
         <text x=\"10\" y=\"20\">{}</text>",
        escape(&timeline.ending()),
    );
    for (task, y) in &lanes {
        let (label, x2) = (escape(timeline.label(*task)), width - 20);
        let _ = write!(
            svg,
            "<text x=\"10\" y=\"{}\">{label}</text>\
             <line class=\"lane\" x1=\"{LEFT}\" y1=\"{y}\" x2=\"{x2}\" y2=\"{y}\"/>",
            y + 4,
        );
    }
    for (column, row) in rows.iter().enumerate() {
        draw_row(&mut svg, row, LEFT + column * STEP + STEP / 2, &lanes, height);
    }
    svg.push_str("</svg>\n");
    svg
}

fn draw_row(svg: &mut String, row: &Row, x: usize, lanes: &BTreeMap<u32, usize>, height: usize) {
    let title = escape(&format!("step {} at {}: {}", row.step, time(row.at), row.words.join("; ")));
    let Some(y) = row.task.and_then(|task| lanes.get(&task)).copied() else {
        let (text, bottom) = (escape(&time(row.at)), height - 30);
        let _ = write!(
            svg,
            "<g><title>{title}</title><line class=\"time\" x1=\"{x}\" y1=\"{TOP}\" x2=\"{x}\" \
             y2=\"{bottom}\"/><text class=\"small\" x=\"{x}\" y=\"{}\" \
             text-anchor=\"middle\">{text}</text></g>",
            TOP - 6,
        );
        return;
    };
    for other in row.woken.iter().chain(&row.spawned).filter_map(|task| lanes.get(task)) {
        if *other != y {
            // The arrow ends beside the line of the other task, where its next step is.
            let to = if *other > y { other - 9 } else { other + 9 };
            let _ = write!(svg, "<path class=\"wake\" d=\"M{x} {y}L{} {to}\"/>", x + STEP / 2);
        }
    }
    let class = match row.task {
        _ if row.panicked => "panic",
        _ if row.faulty => "fault",
        Some(task) if row.ended.contains(&task) => "end",
        _ => "step",
    };
    let _ = write!(
        svg,
        "<g><title>{title}</title><rect class=\"{class}\" x=\"{}\" y=\"{}\" width=\"18\" \
         height=\"18\" rx=\"4\"/></g><text class=\"small\" x=\"{x}\" y=\"{}\" \
         text-anchor=\"middle\">{}</text>",
        x - 9,
        y - 9,
        height - 14,
        row.step,
    );
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '"' => escaped.push_str("&quot;"),
            // XML cannot contain control characters, not even escaped.
            control if control.is_control() => escaped.push(' '),
            other => escaped.push(other),
        }
    }
    escaped
}
