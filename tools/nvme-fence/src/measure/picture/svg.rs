// SPDX-License-Identifier: GPL-2.0
//! The picture as SVG. It needs nothing but lines and text, whose places are the work, and no
//! library does that for us.

use std::fmt::Write;

use super::super::report::Report;
use super::{label, logarithm, Column, Height, Picture};
use crate::units::Nanos;

/// The picture, in its units: what a browser takes for pixels.
const WIDTH: f64 = 960.0;
/// Where the time begins, right of the labels.
const LEFT: f64 = 70.0;
/// Where it ends.
const RIGHT: f64 = WIDTH - 20.0;
/// Where the first plot begins, below the title.
const TOP: f64 = 50.0;
/// How high each plot is.
const HEIGHT: f64 = 220.0;
/// How far they are apart.
const GAP: f64 = 40.0;
/// How high a line of text is.
const LINE: f64 = 18.0;

/// How it all looks.
const STYLE: &str = "\
text { font: 12px sans-serif; fill: #333 }
.title { font-size: 15px; font-weight: bold }
.grid { stroke: #ddd }
.hurt { fill: #c33; fill-opacity: 0.12 }
.event { stroke: #c33; stroke-dasharray: 4 3 }
.p50 { stroke: #27c; fill: none }
.p99 { stroke: #e80; fill: none }
.max { fill: #c33 }";

/// Which of the heights of a column is drawn.
type Heights = fn(&Column) -> Option<Height>;

/// Where things are in one plot.
struct Plot<'a> {
    /// What is drawn.
    picture: &'a Picture,
    /// The powers of ten at the bottom and at the top.
    decades: (i32, i32),
    /// Where it begins.
    top: f64,
}

impl Report {
    /// The picture.
    pub(crate) fn svg(&self) -> String {
        let picture = &self.picture;
        let decades = picture.decades().unwrap_or((3, 9));
        let legend = TOP + 2.0 * (HEIGHT + GAP);
        let events: usize = picture.marks.iter().map(|mark| mark.events.len()).sum();
        let height = legend + LINE * (events as f64 + 2.0);
        let nqn = self.nqn.as_deref().unwrap_or_default();
        let title = escaped(&format!("{} {nqn}", self.device));
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
             width=\"{WIDTH}\" height=\"{height}\">\n\
             <title>{title}</title>\n<style>\n{STYLE}\n</style>\n\
             <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
        );
        text(&mut svg, 10.0, 22.0, "title", &title);
        let plots: [(&str, Heights); 2] = [
            ("reads", |column| column.reads),
            ("writes", |column| column.writes),
        ];
        for (index, (name, of)) in plots.into_iter().enumerate() {
            let top = TOP + index as f64 * (HEIGHT + GAP);
            let plot = Plot {
                picture,
                decades,
                top,
            };
            plot.draw(&mut svg, name, of);
        }
        legend_of(&mut svg, picture, legend);
        svg += "</svg>\n";
        svg
    }
}

impl Plot<'_> {
    /// Draws all of it.
    fn draw(&self, svg: &mut String, name: &str, of: Heights) {
        for mark in &self.picture.marks {
            let (from, to) = (self.x(mark.from), self.x(mark.to));
            let (top, width) = (self.top, to - from);
            *svg += &format!(
                "<rect class=\"hurt\" x=\"{from:.1}\" y=\"{top}\" \
                 width=\"{width:.1}\" height=\"{HEIGHT}\"/>\n"
            );
        }
        for decade in self.decades.0..=self.decades.1 {
            let y = self.y_of(f64::from(decade));
            line(svg, "grid", (LEFT, y), (RIGHT, y));
            text(svg, 10.0, y + 4.0, "label", &label(decade));
        }
        text(svg, LEFT, self.top - 6.0, "label", name);
        self.curve(svg, "p50", &|column| Some(of(column)?.p50));
        self.curve(svg, "p99", &|column| Some(of(column)?.p99));
        for (index, column) in self.picture.fine.all.iter().enumerate() {
            if let Some(height) = of(column) {
                let (x, y) = (self.x_of(index), self.y(height.max));
                *svg += &format!("<circle class=\"max\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"1.8\"/>\n");
            }
        }
        for (at, _) in self.picture.marks.iter().flat_map(|mark| &mark.events) {
            let x = self.x(*at);
            line(svg, "event", (x, self.top), (x, self.top + HEIGHT));
        }
    }

    /// Draws a line through what is there. Where nothing ended, there is a gap.
    fn curve(&self, svg: &mut String, class: &str, of: &dyn Fn(&Column) -> Option<Nanos>) {
        let mut path = String::new();
        let mut draws = false;
        for (index, column) in self.picture.fine.all.iter().enumerate() {
            let Some(time) = of(column) else {
                draws = false;
                continue;
            };
            let word = if draws { 'L' } else { 'M' };
            draws = true;
            let _ = write!(path, "{word}{:.1} {:.1}", self.x_of(index), self.y(time));
        }
        *svg += &format!("<path class=\"{class}\" d=\"{path}\"/>\n");
    }

    /// Where a time is.
    fn x(&self, time: Nanos) -> f64 {
        let all = self.picture.fine.end().0.max(1) as f64;
        LEFT + (RIGHT - LEFT) * (time.0 as f64 / all).clamp(0.0, 1.0)
    }

    /// Where the middle of a column is.
    fn x_of(&self, index: usize) -> f64 {
        let width = self.picture.fine.width.0;
        self.x(Nanos(width * index as i64 + width / 2))
    }

    /// Where a latency is.
    fn y(&self, latency: Nanos) -> f64 {
        self.y_of(logarithm(latency))
    }

    /// Where a power of ten is.
    fn y_of(&self, power: f64) -> f64 {
        let (low, high) = (f64::from(self.decades.0), f64::from(self.decades.1));
        self.top + HEIGHT * (1.0 - (power - low) / (high - low))
    }
}

/// Says what the lines mean, and what happened.
fn legend_of(svg: &mut String, picture: &Picture, top: f64) {
    let words = format!(
        "0 to {}; blue: half of the commands took at most so long; orange: 99 of a hundred; \
         red: the slowest; shaded: an incident",
        picture.fine.end()
    );
    text(svg, 10.0, top, "label", &words);
    let mut y = top + LINE;
    for (index, mark) in picture.marks.iter().enumerate() {
        for (at, words) in &mark.events {
            let words = format!("incident {}, {}: {words}", index + 1, at.signed());
            text(svg, 10.0, y, "label", &escaped(&words));
            y += LINE;
        }
    }
}

/// Writes a text.
fn text(svg: &mut String, x: f64, y: f64, class: &str, text: &str) {
    *svg += &format!("<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\">{text}</text>\n");
}

/// Draws a line.
fn line(svg: &mut String, class: &str, (x1, y1): (f64, f64), (x2, y2): (f64, f64)) {
    *svg += &format!(
        "<line class=\"{class}\" x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\"/>\n"
    );
}

/// A text that comes from elsewhere, without anything that means something in XML, or is not
/// allowed there.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for character in text.chars() {
        match character {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '"' => escaped += "&quot;",
            control if control.is_control() => escaped.push('\u{fffd}'),
            other => escaped.push(other),
        }
    }
    escaped
}
