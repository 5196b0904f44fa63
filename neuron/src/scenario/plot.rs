//! Lines and points over two axes, drawn as SVG.
use std::fmt::Write;

use super::markup::escaped;
use super::verdict::Conclusion;

/// Size, in pixels.
const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 280.0;

/// Room around for labels, in pixels: left, right, above and below.
const MARGINS: [f64; 4] = [64.0, 16.0, 34.0, 44.0];

/// Between two names of the legend, in pixels; a name has 32 letters at most, which few have.
const LEGEND: f64 = 130.0;

/// The most numbers on an axis.
const TICKS: f64 = 6.0;

/// Colours of lines, one after the other.
const COLOURS: [&str; 8] =
    ["#4c78a8", "#f58518", "#54a24b", "#e45756", "#b279a2", "#72b7b2", "#eeca3b", "#9d755d"];

/// How all text looks, also where no page says so.
const FONT: &str = "font-family=\"system-ui,sans-serif\" font-size=\"11\" fill=\"#444\"";

/// A plot.
#[derive(Default)]
pub(super) struct Plot<'a> {
    /// What the axes show.
    pub(super) across: &'a str,
    pub(super) up: &'a str,
    /// Names and points, from left to right.
    pub(super) lines: Vec<(&'a str, Vec<(f64, f64)>)>,
    /// Single points with their colours.
    pub(super) dots: Vec<(f64, f64, &'a str)>,
    /// What is marked, from one place on the lower axis to another.
    pub(super) bands: Vec<(f64, f64)>,
}

/// How a number of a scenario changes a metric and the verdict, as a document: each number that was tried with what came
/// of it, and the stretches within which the verdict flips.
pub fn frontier(name: &str, metric: &str, points: &[(f64, f64, Conclusion)], flips: &[(f64, f64)]) -> String {
    let colour = |verdict| match verdict {
        Conclusion::Pass => "#1a7f37",
        Conclusion::Unknown => "#9a6700",
        Conclusion::Fail => "#c1121f",
    };
    let dots = points.iter().map(|(number, value, verdict)| (*number, *value, colour(*verdict)));
    let line = points.iter().map(|(number, value, _)| (*number, *value)).collect();
    let bands = flips.to_vec();
    Plot { across: name, up: metric, lines: vec![("", line)], dots: dots.collect(), bands }.svg()
}

/// An axis: its numbers, and where they lie.
struct Axis {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
}

impl Plot<'_> {
    /// As a document of its own, which may also stand in a page.
    pub(super) fn svg(&self) -> String {
        let ends = || self.lines.iter().flat_map(|(_, points)| points).map(|(x, y)| (*x, *y));
        let points = || ends().chain(self.dots.iter().map(|(x, y, _)| (*x, *y)));
        let [left, right, above, below] = MARGINS;
        let x = Axis::of(points().map(|it| it.0), left, WIDTH - right);
        let y = Axis::of(points().map(|it| it.1).chain([0.0]), HEIGHT - below, above);
        let mut svg =
            format!("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" {FONT}>");
        for (from, to) in &self.bands {
            let (from, to) = (x.place(*from), x.place(*to));
            let _ = write!(
                svg,
                "<rect x=\"{from:.1}\" y=\"{above}\" width=\"{:.1}\" height=\"{}\" fill=\"#fbe3b3\"/>",
                (to - from).max(1.0),
                HEIGHT - above - below
            );
        }
        self.axes(&mut svg, &x, &y);
        for (place, (name, points)) in self.lines.iter().enumerate() {
            line(&mut svg, &x, &y, place, name, points);
        }
        for (across, up, colour) in &self.dots {
            let (across, up) = (x.place(*across), y.place(*up));
            let _ = write!(svg, "<circle cx=\"{across:.1}\" cy=\"{up:.1}\" r=\"4\" fill=\"{colour}\"/>");
        }
        svg + "</svg>"
    }

    fn axes(&self, svg: &mut String, x: &Axis, y: &Axis) {
        let [left, right, above, below] = MARGINS;
        let (bottom, end) = (HEIGHT - below, WIDTH - right);
        for (value, text) in y.ticks() {
            let at = y.place(value);
            let _ = write!(
                svg,
                "<line x1=\"{left}\" x2=\"{end}\" y1=\"{at:.1}\" y2=\"{at:.1}\" stroke=\"#ddd\"/>\
                 <text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{text}</text>",
                left - 6.0,
                at + 4.0
            );
        }
        for (value, text) in x.ticks() {
            let at = x.place(value);
            let _ = write!(
                svg,
                "<line x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"{bottom}\" y2=\"{}\" stroke=\"#888\"/>\
                 <text x=\"{at:.1}\" y=\"{}\" text-anchor=\"middle\">{text}</text>",
                bottom + 4.0,
                bottom + 16.0
            );
        }
        let _ = write!(
            svg,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>\
             <text transform=\"translate(14 {:.1}) rotate(-90)\" text-anchor=\"middle\">{}</text>",
            (left + end) / 2.0,
            HEIGHT - 8.0,
            escaped(self.across),
            (above + bottom) / 2.0,
            escaped(self.up)
        );
    }
}

fn line(svg: &mut String, x: &Axis, y: &Axis, place: usize, name: &str, points: &[(f64, f64)]) {
    let colour = COLOURS[place % COLOURS.len()];
    let places = points.iter().map(|(across, up)| format!("{:.1},{:.1}", x.place(*across), y.place(*up)));
    let a_row = ((WIDTH - MARGINS[0]) / LEGEND) as usize;
    let _ = write!(
        svg,
        "<polyline fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\" points=\"{}\"/>\
         <text x=\"{:.1}\" y=\"{}\" style=\"fill:{colour}\">{}</text>",
        places.collect::<Vec<_>>().join(" "),
        MARGINS[0] + (place % a_row) as f64 * LEGEND,
        12 + 13 * (place / a_row),
        escaped(name)
    );
}

impl Axis {
    /// Wide enough for all of these, and never without width.
    fn of(values: impl Iterator<Item = f64> + Clone, from: f64, to: f64) -> Self {
        let low = values.clone().fold(f64::INFINITY, f64::min);
        let high = values.fold(f64::NEG_INFINITY, f64::max);
        let (low, high) = if low <= high { (low, high) } else { (0.0, 1.0) };
        let high = if high > low { high } else { low + 1.0 };
        Self { low, high, from, to }
    }

    fn place(&self, value: f64) -> f64 {
        self.from + (value - self.low) / (self.high - self.low) * (self.to - self.from)
    }

    /// Round numbers on it, as text.
    fn ticks(&self) -> Vec<(f64, String)> {
        let rough = (self.high - self.low) / TICKS;
        let unit = 10.0_f64.powf(rough.log10().floor());
        let step =
            [1.0, 2.0, 5.0, 10.0].map(|it| it * unit).into_iter().find(|it| *it >= rough).unwrap_or(rough);
        let digits = (-step.log10().floor()).max(0.0) as usize;
        let first = (self.low / step - 1e-9).ceil();
        let all = (0..=TICKS as u32 + 1).map(|place| (first + f64::from(place)) * step + 0.0);
        all.filter(|it| *it <= self.high + step * 1e-9).map(|it| (it, format!("{it:.digits$}"))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(values: [f64; 2], ticks: &[&str]) {
        let axis = Axis::of(values.into_iter(), 0.0, 100.0);
        let found: Vec<_> = axis.ticks().into_iter().map(|(_, text)| text).collect();
        assert_eq!(found, ticks);
    }

    #[test]
    fn the_numbers_of_an_axis_are_round_and_few() {
        check([0.3, 0.6], &["0.30", "0.35", "0.40", "0.45", "0.50", "0.55", "0.60"]);
        check([0.0, 11.0], &["0", "2", "4", "6", "8", "10"]);
        check([-57.0, 3.0], &["-50", "-40", "-30", "-20", "-10", "0"]);
        check([2.0, 2.0], &["2.0", "2.2", "2.4", "2.6", "2.8", "3.0"]);
    }

    #[test]
    fn what_is_drawn_lies_within_the_axes_and_names_are_escaped() {
        let lines = vec![("a<b", vec![(0.0, -1.0), (4.0, 2.0)])];
        let svg =
            Plot { across: "x", up: "y", lines, dots: vec![(4.0, 2.0, "red")], bands: vec![(1.0, 1.0)] }
                .svg();
        assert!(svg.contains("points=\"64.0,236.0 704.0,34.0\"") && svg.contains("a&lt;b"), "{svg}");
        assert!(
            svg.contains("cx=\"704.0\" cy=\"34.0\"") && svg.contains("x=\"224.0\" y=\"34\" width=\"1.0\""),
            "{svg}"
        );
    }
}
