use super::statistics::Estimate;
use super::{ArmResult, Label, Measure, PlotSpec, Results, grid};
use crate::Result;
use crate::run::{Chart, ChartRow, Line, Panel, PlotPoint, chart_png, chart_svg};
use toml::Value;

/// What a picture of a study shows: lines with bands where x is a number, rows with intervals where
/// it is a name. None when no finished trial is part of it.
pub fn figure(results: &Results, plot: &PlotSpec) -> Option<Chart> {
    let arms: Vec<&ArmResult> = results.arms.iter().filter(|arm| is_shown(arm, plot)).collect();
    let title = plot.title.clone().unwrap_or_else(|| results.title.clone());
    let seeds = arms.iter().map(|arm| arm.trials.len()).max().filter(|&seeds| seeds > 0)?;
    let curves = [PlotSpec::EPOCH, PlotSpec::PASSES].contains(&plot.x.as_str());
    let numbers = curves || arms.iter().all(|arm| place(results, arm, &plot.x).is_some());
    let (panels, spread) =
        if numbers { (line_panels(results, plot, &arms), "bands") } else { (row_panels(plot, &arms), "bars") };
    let note = match seeds {
        1 => "one seed".to_string(),
        _ => format!("mean of {seeds} seeds; {spread}: 95 % interval of the mean (Student)"),
    };
    Some(Chart { title, note: format!("{}, {note}", results.data.name), panels })
}

/// A picture as SVG and as PNG; `name` is for messages.
///
/// # Errors
/// [`crate::Error::Run`] when it cannot be drawn.
pub fn picture(name: &str, chart: &Chart) -> Result<(String, Vec<u8>)> {
    Ok((chart_svg(name, chart)?, chart_png(name, chart)?))
}

/// What an arm is called on an axis, or what its recipe says under that key.
fn label(arm: &ArmResult, name: &str) -> Option<Label> {
    arm.labels.get(name).cloned().or_else(|| arm.recipe.get(name).map(grid::label))
}

fn is_shown(arm: &ArmResult, plot: &PlotSpec) -> bool {
    plot.only.iter().all(|(axis, value): (&String, &Value)| {
        arm.labels.get(axis).is_some_and(|own| grid::texts(value, |text| text == own.text).contains(&own.text))
    })
}

/// Where an arm stands along x, if that is a number.
fn place(results: &Results, arm: &ArmResult, x: &str) -> Option<f64> {
    match x.parse::<Measure>() {
        Ok(measure) if !results.axes.iter().any(|axis| axis == x) => Some(arm.estimates.get(&measure)?.mean),
        _ => label(arm, x)?.value,
    }
}

/// Arms of one line, with its name.
type Series<'a> = Vec<(String, Vec<&'a ArmResult>)>;

/// The arms by what the plot says tells lines apart; where that leaves two arms at the same x, by
/// all that they are called.
fn series<'a>(results: &Results, plot: &PlotSpec, arms: &[&'a ArmResult]) -> Series<'a> {
    let by = |names: &[&str]| {
        let mut series: Series<'a> = Vec::new();
        for arm in arms {
            let said = names.iter().filter_map(|name| Some((*name, label(arm, name)?)));
            let name = said.map(|(name, label)| titled(name, &label)).collect::<Vec<_>>().join(", ");
            match series.iter_mut().find(|(known, _)| *known == name) {
                Some((_, arms)) => arms.push(arm),
                None => series.push((name, vec![arm])),
            }
        }
        series
    };
    let wanted: Vec<&str> = plot.series.as_deref().into_iter().collect();
    let first = by(&wanted);
    let crowded = |(_, arms): &(String, Vec<&ArmResult>)| {
        // A number, measured or not; otherwise a name.
        let at = |arm: &&ArmResult| {
            (place(results, arm, &plot.x).map(f64::to_bits), label(arm, &plot.x).map(|label| label.text))
        };
        let mut places: Vec<_> = arms.iter().map(at).collect();
        places.sort();
        places.windows(2).any(|pair| pair[0] == pair[1])
    };
    if !first.iter().any(crowded) {
        return first;
    }
    let varies = |axis: &str| arms.iter().any(|arm| label(arm, axis) != label(arms[0], axis));
    let others = results.axes.iter().map(String::as_str);
    let others = others.filter(|&axis| axis != plot.x && !wanted.contains(&axis) && varies(axis));
    by(&wanted.iter().copied().chain(others).collect::<Vec<_>>())
}

/// `dropout 0.5`, but `wide`.
fn titled(axis: &str, label: &Label) -> String {
    if label.value.is_some() { format!("{} {}", spoken(axis), label.text) } else { label.text.clone() }
}

fn spoken(key: &str) -> String {
    key.replace('_', " ")
}

fn line_panels(results: &Results, plot: &PlotSpec, arms: &[&ArmResult]) -> Vec<Panel> {
    let series = series(results, plot, arms);
    let points = |arms: &[&ArmResult], measure: Measure| {
        let mut points: Vec<PlotPoint> = match plot.x.as_str() {
            PlotSpec::EPOCH => arms.iter().flat_map(|arm| epochs(arm, measure)).collect(),
            PlotSpec::PASSES => arms.iter().flat_map(|arm| passes(arm, measure)).collect(),
            x => arms
                .iter()
                .filter_map(|arm| Some(point(place(results, arm, x)?, arm.estimates.get(&measure)?)))
                .collect(),
        };
        points.sort_by(|a, b| a.x.total_cmp(&b.x));
        points
    };
    let x_title = plot.x_label.clone().unwrap_or_else(|| match plot.x.parse::<Measure>() {
        Ok(measure) => measure.heading(),
        Err(_) if plot.x == PlotSpec::PASSES => "masked passes averaged".into(),
        Err(_) => spoken(&plot.x),
    });
    let panel = |title: String, lines: Vec<Line>| Panel::Lines {
        title,
        x_title: x_title.clone(),
        log_x: plot.log_x,
        log_y: plot.log_y,
        lines,
    };
    match &series[..] {
        // One group of arms: the measurements are the lines, if they can share an axis.
        [(_, arms)] if plot.y.len() > 1 && plot.y.iter().all(|y| y.unit() == plot.y[0].unit()) => {
            let line = |&y: &Measure| Line { name: y.title().into(), points: points(arms, y), joined: true };
            vec![panel(plot.y[0].unit().to_string(), plot.y.iter().map(line).collect())]
        }
        _ => {
            let lines = |y: Measure| {
                series
                    .iter()
                    .map(|(name, arms)| Line { name: name.clone(), points: points(arms, y), joined: true })
                    .collect()
            };
            plot.y.iter().map(|&y| panel(y.heading(), lines(y))).collect()
        }
    }
}

fn point(x: f64, estimate: &Estimate) -> PlotPoint {
    PlotPoint { x, y: estimate.mean, half_width: estimate.half_width }
}

/// The means over the seeds after each epoch that all trials have.
fn epochs(arm: &ArmResult, measure: Measure) -> Vec<PlotPoint> {
    let count = arm.trials.iter().map(|trial| trial.epochs.len()).min().unwrap_or(0);
    let of = |epoch: usize| {
        let values: Option<Vec<f64>> = arm.trials.iter().map(|t| measure.of_epoch(&t.epochs[epoch])).collect();
        Some(point((epoch + 1) as f64, &Estimate::of(&values?)?))
    };
    (0..count).filter_map(of).collect()
}

/// The means over the seeds for each number of passes; of the full network, the same for all of
/// them.
fn passes(arm: &ArmResult, measure: Measure) -> Vec<PlotPoint> {
    let of = |passes: u32| {
        let estimate = match measure.is_single() {
            true => *arm.estimates.get(&measure)?,
            false => arm.averaged(measure, passes)?,
        };
        Some(point(passes.into(), &estimate))
    };
    arm.passes().into_iter().filter_map(of).collect()
}

/// The arms as rows, with a panel for each measurement.
fn row_panels(plot: &PlotSpec, arms: &[&ArmResult]) -> Vec<Panel> {
    let plain = arms.iter().map(|arm| label(arm, &plot.x).map(|label| titled(&plot.x, &label))).collect::<Vec<_>>();
    // Where x alone does not tell the rows apart, they have their whole names.
    let apart = plain.iter().enumerate().all(|(at, name)| name.is_some() && !plain[..at].contains(name));
    let name = |at: usize| plain[at].clone().filter(|_| apart).unwrap_or_else(|| arms[at].title.clone());
    let row = |(at, arm): (usize, &&ArmResult), measure: &Measure| {
        let value = arm.estimates.get(measure).map(|estimate| (estimate.mean, estimate.half_width));
        ChartRow { name: name(at), value }
    };
    let panel = |measure: &Measure| Panel::Rows {
        title: measure.heading(),
        rows: arms.iter().enumerate().map(|arm| row(arm, measure)).collect(),
    };
    plot.y.iter().map(panel).collect()
}
