//! The ratios as a picture.

use std::fmt::Write as _;

use crate::case::{BACKENDS, CONTROL};
use crate::costs::{Build, Cost, LEADING, label};
use crate::measure::Ratio;
use crate::report::Report;

/// Where the chart is kept, from the root of the repository.
pub const PATH: &str = "docs/ratios.svg";

/// One for each of [`Build::ALL`].
const COLORS: [&str; Build::ALL.len()] = ["#1a7f37", "#bc4c00", "#0969da", "#8250df"];
/// For native against native.
const CONTROL_COLOR: &str = "#afb8c1";
/// The ratios at the ends of the axis, which is logarithmic.
const RANGE: (f64, f64) = (0.5, 4.0);
/// Where the axis has lines, and of what colour.
const TICKS: [(f64, &str); 5] =
    [(0.5, FAINT), (1.0, GREY), (1.3, FAINT), (2.0, FAINT), (4.0, FAINT)];
const GREY: &str = "#57606a";
const FAINT: &str = "#d0d7de";

const COLUMNS: usize = 2;
const LABELS: f64 = 310.0;
const AXIS: f64 = 300.0;
const PANEL: f64 = LABELS + AXIS + 30.0;
const ROW: f64 = 22.0;
const HEAD: f64 = 70.0;
const PANEL_HEAD: f64 = 28.0;
const PANEL_FOOT: f64 = 40.0;

/// The builds and the control, with their colours.
fn marks() -> impl DoubleEndedIterator<Item = (Option<Build>, &'static str, &'static str)> {
    let builds = Build::ALL.into_iter().zip(COLORS);
    let builds = builds.map(|(build, color)| (Some(build), build.name(), color));
    builds.chain([(None, CONTROL, CONTROL_COLOR)])
}

/// Draws a panel for each backend, a row for each work, and a mark for each build.
#[must_use]
pub fn draw(report: &Report) -> String {
    let panels: Vec<_> = BACKENDS
        .iter()
        .map(|(backend, _)| *backend)
        .filter(|backend| report.costs.iter().any(|cost| cost.time.backend == *backend))
        .collect();
    let panel_height = PANEL_HEAD + as_f64(LEADING.len()) * ROW + PANEL_FOOT;
    let width = PANEL * as_f64(COLUMNS);
    let height = HEAD + panel_height * as_f64(panels.len().div_ceil(COLUMNS));

    let mut svg = Svg(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
         width=\"{width}\" height=\"{height}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
    ));
    svg.text(16.0, 26.0, "font-size=\"16\"", "Time against the runtime's own spawn");
    let mut x = 16.0;
    for (_, name, color) in marks() {
        svg.mark(x + 5.0, 46.0, color);
        svg.text(x + 14.0, 50.0, "", name);
        x += 30.0 + 7.0 * as_f64(name.len());
    }
    svg.text(
        x,
        50.0,
        "fill=\"#57606a\"",
        "median, and quartiles as a line; the axis is logarithmic",
    );
    for (index, backend) in panels.iter().enumerate() {
        let x = PANEL * as_f64(index % COLUMNS);
        let y = HEAD + panel_height * as_f64(index / COLUMNS);
        svg.panel(x, y, backend, &report.costs);
    }
    svg.0.push_str("</svg>\n");
    svg.0
}

/// How far along the axis a ratio lies.
fn along(ratio: f64) -> f64 {
    let (low, high) = RANGE;
    AXIS * (ratio.clamp(low, high) / low).ln() / (high / low).ln()
}

#[expect(clippy::cast_precision_loss, reason = "the counts are small")]
fn as_f64(count: usize) -> f64 {
    count as f64
}

struct Svg(String);

impl Svg {
    fn panel(&mut self, x: f64, y: f64, backend: &str, costs: &[Cost]) {
        let top = y + PANEL_HEAD;
        let bottom = top + as_f64(LEADING.len()) * ROW;
        let axis = x + LABELS;
        self.text(axis, y + 16.0, "font-weight=\"bold\"", backend);
        for (tick, color) in TICKS {
            let at = axis + along(tick);
            self.line((at, top), (at, bottom + 4.0), color, 1.0);
            self.text(
                at,
                bottom + 18.0,
                "text-anchor=\"middle\" fill=\"#57606a\"",
                &tick.to_string(),
            );
        }
        for (row, (work, way)) in LEADING.into_iter().enumerate() {
            let middle = top + (as_f64(row) + 0.5) * ROW;
            let style = "text-anchor=\"end\"";
            self.text(axis - 10.0, middle + 4.0, style, &label(work, way).replace('`', ""));
            for (build, _, color) in marks().rev() {
                let way = if build.is_none() { CONTROL } else { way };
                let build = build.unwrap_or(Build::Every);
                let cost = costs.iter().find(|cost| {
                    let time = &cost.time;
                    cost.build == build
                        && (time.backend, time.work, time.way) == (backend, work, way)
                });
                if let Some(Ratio { lower, median, upper, .. }) = cost.map(|cost| cost.time.ratio) {
                    let from = (axis + along(lower), middle);
                    let to = (axis + along(upper), middle);
                    self.line(from, to, color, 2.0);
                    self.mark(axis + along(median), middle, color);
                }
            }
        }
    }

    fn text(&mut self, x: f64, y: f64, style: &str, text: &str) {
        let text = text.replace('&', "&amp;").replace('<', "&lt;");
        self.push(&format!("<text x=\"{x:.1}\" y=\"{y:.1}\" {style}>{text}</text>"));
    }

    fn mark(&mut self, x: f64, y: f64, color: &str) {
        self.push(&format!(
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\" fill=\"{color}\" stroke=\"white\"/>"
        ));
    }

    fn line(&mut self, from: (f64, f64), to: (f64, f64), color: &str, width: f64) {
        self.push(&format!(
            "<line x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\" stroke=\"{color}\" \
             stroke-width=\"{width}\"/>",
            from.0, from.1, to.0, to.1
        ));
    }

    fn push(&mut self, element: &str) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.0, "{element}");
    }
}
