//! Scores class by class, and which classes are taken for which; or how far numbers are off.
//!
//! Of many classes only what went wrong most is shown: nobody reads hundreds of lines, and `--json`
//! has everything.

use crate::terminal::{Style, thousands};
use furlough::predict::{ClassScores, Evaluation, OutputScores, RegressionScores};

/// So many classes are all shown, with the whole confusion matrix.
const FEW: usize = 25;

/// So many classes, and pairs of classes, are shown of many.
const MOST: usize = 15;

/// What stands where there is nothing to divide by.
const NOTHING: &str = "–";

/// Returns a line a class; of many classes the ones with the lowest F1.
pub(super) fn classes(names: &[String], scores: &[ClassScores], style: Style) -> Vec<String> {
    if scores.is_empty() {
        return Vec::new();
    }
    let absent = scores.iter().filter(|class| class.support == 0).count();
    let mut shown: Vec<usize> = (0..scores.len()).collect();
    let mut lines = Vec::new();
    if scores.len() > FEW {
        shown.retain(|&class| scores[class].support > 0);
        shown.sort_by(|&a, &b| scores[a].f1.total_cmp(&scores[b].f1));
        shown.truncate(MOST);
        let test = if absent == 0 { String::new() } else { format!(", {absent} without a test example") };
        let heading = format!("lowest F1 of {} classes{test}; --json has all", scores.len());
        lines.push(format!("  {}", style.text(&heading)));
    }
    let width = shown.iter().map(|&class| names[class].chars().count()).max().unwrap_or(0).max(5);
    lines.push(style.dim(&format!("  {:<width$}   precision     recall         F1   support", "class")));
    for class in shown {
        let ClassScores { precision, recall, f1, support, predicted } = scores[class];
        let percent = |share: f64, of: u64| if of == 0 { NOTHING.into() } else { format!("{:.2} %", 100.0 * share) };
        let [precision, recall, f1] =
            [percent(precision, predicted), percent(recall, support), percent(f1, support + predicted)];
        let (name, support) = (&names[class], thousands(support));
        lines.push(style.text(&format!("  {name:<width$}   {precision:>9}  {recall:>9}  {f1:>9}   {support:>7}")));
    }
    lines.push(String::new());
    lines
}

/// Returns the confusion matrix; of many classes the pairs that are confused most.
pub(super) fn confusion(names: &[String], evaluation: &Evaluation, style: Style) -> Vec<String> {
    if names.len() > FEW { pairs(names, evaluation, style) } else { matrix(names, evaluation, style) }
}

/// Returns a line an output and one of the means; of many outputs those that are explained least.
pub(super) fn regression(scores: &RegressionScores, style: Style) -> Vec<String> {
    let outputs = &scores.outputs;
    let mut shown: Vec<usize> = (0..outputs.len()).collect();
    let mut lines = Vec::new();
    if outputs.len() > FEW {
        shown.sort_by(|&a, &b| outputs[a].r2.total_cmp(&outputs[b].r2));
        shown.truncate(MOST);
        let heading = format!("lowest R² of {} outputs; --json has all", outputs.len());
        lines.push(format!("  {}", style.text(&heading)));
    }
    lines.push(style.dim(&style.text(&format!("  {:<6}   {:>10}   {:>10}   {:>10}", "output", "RMSE", "MAE", "R²"))));
    let line = |name: &str, scores: &OutputScores| {
        let OutputScores { rmse, mae, r2 } = scores;
        style.text(&format!("  {name:<6}   {rmse:>10.4}   {mae:>10.4}   {r2:>10.4}"))
    };
    lines.extend(shown.into_iter().map(|output| line(&(output + 1).to_string(), &outputs[output])));
    if outputs.len() > 1 {
        lines.push(line("mean", &scores.mean));
    }
    lines.push(String::new());
    lines
}

fn pairs(names: &[String], evaluation: &Evaluation, style: Style) -> Vec<String> {
    let Some(confusion) = &evaluation.confusion else { return Vec::new() };
    let wrong = confusion.indexed_iter().filter(|&((class, taken), &count)| class != taken && count > 0);
    let mut pairs: Vec<((usize, usize), u64)> = wrong.map(|(pair, &count)| (pair, count)).collect();
    if pairs.is_empty() {
        return vec![style.text("  no class is taken for another")];
    }
    pairs.sort_by_key(|&(pair, count)| (std::cmp::Reverse(count), pair));
    pairs.truncate(MOST);
    let width = |name: fn(&(usize, usize)) -> usize, head: &str| {
        let widths = pairs.iter().map(|(pair, _)| names[name(pair)].chars().count());
        widths.max().unwrap_or(0).max(head.len())
    };
    let (left, right) = (width(|pair| pair.0, "true"), width(|pair| pair.1, "taken for"));
    let mut lines = vec![
        "  the most confused pairs".into(),
        style.dim(&format!("  {:<left$}   {:<right$}   examples   of the class", "true", "taken for")),
    ];
    for ((class, taken), count) in pairs {
        let share = 100.0 * count as f64 / confusion.row(class).sum() as f64;
        let (class, taken, count) = (&names[class], &names[taken], thousands(count));
        let share = format!("{share:.2} %");
        lines.push(style.text(&format!("  {class:<left$}   {taken:<right$}   {count:>8}   {share:>12}")));
    }
    lines
}

/// Columns have the classes' numbers when the names are too long for them.
fn matrix(names: &[String], evaluation: &Evaluation, style: Style) -> Vec<String> {
    let Some(confusion) = &evaluation.confusion else { return Vec::new() };
    let digits = confusion.iter().max().map_or(1, |largest| largest.to_string().len());
    let short = names.iter().all(|name| name.chars().count() <= digits.max(2));
    let numbered = |(place, name): (usize, &String)| if short { name.clone() } else { format!("{place:>2} {name}") };
    let rows: Vec<String> = names.iter().enumerate().map(numbered).collect();
    let left = rows.iter().map(|name| name.chars().count()).max().unwrap_or(0).max(4);
    let cell = digits.max(2) + 1;
    let heads = names.iter().enumerate().map(|(place, name)| if short { name.clone() } else { place.to_string() });
    let heads: String = heads.map(|head| format!("{head:>cell$}")).collect();
    let mut lines =
        vec![style.dim(&format!("  {:<left$}  taken for", "true")), style.dim(&format!("  {:<left$}  {heads}", ""))];
    for (class, (name, counts)) in rows.iter().zip(confusion.rows()).enumerate() {
        let cells = counts.iter().enumerate().map(|(taken, &count)| {
            let text = if count == 0 { "·".into() } else { count.to_string() };
            let text = format!("{text:>cell$}");
            match count {
                _ if class == taken => style.bold(&text),
                0 => style.dim(&text),
                _ => text,
            }
        });
        lines.push(format!("  {}  {}", style.text(&format!("{name:<left$}")), cells.collect::<String>()));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;

    fn evaluation(confusion: Array2<u64>) -> Evaluation {
        let examples = confusion.sum() as usize;
        Evaluation { examples, loss: 1.0, accuracy: Some(0.5), confusion: Some(confusion), regression: None }
    }

    fn names(count: usize) -> Vec<String> {
        (0..count).map(|class| format!("class{class}")).collect()
    }

    #[test]
    fn many_classes_are_told_in_a_screen() {
        let mut counts = Array2::zeros((256, 256));
        (0..200).for_each(|class| counts[[class, class]] = 10);
        counts[[3, 4]] = 30;
        counts[[5, 250]] = 7;
        let (names, evaluation) = (names(256), evaluation(counts));
        let mut lines = classes(&names, &evaluation.classes(), Style::plain());
        lines.extend(confusion(&names, &evaluation, Style::plain()));
        assert!(lines.len() <= 24 && lines.iter().all(|line| line.chars().count() <= 80), "{lines:#?}");
        assert_eq!(lines[0], "  lowest F1 of 256 classes, 56 without a test example; --json has all");
        assert!(lines[2].starts_with("  class3 "), "{}", lines[2]);
        let text = lines.join("\n");
        assert!(text.contains("  class3   class4            30        75.00 %"), "{text}");
        assert!(text.contains("  class5   class250           7        41.18 %"), "{text}");
    }

    #[test]
    fn numbers_are_told_output_by_output_and_many_in_a_screen() {
        let output = |place: usize| OutputScores { rmse: 12.5, mae: 1.0, r2: place as f64 / 100.0 };
        let scores = |count| RegressionScores { outputs: (0..count).map(output).collect(), mean: output(50) };
        let lines = regression(&scores(2), Style::plain());
        assert_eq!(lines[0].split_whitespace().collect::<Vec<_>>(), ["output", "RMSE", "MAE", "R²"]);
        assert_eq!(lines[2], "  2           12.5000       1.0000       0.0100");
        assert_eq!(lines[3], "  mean        12.5000       1.0000       0.5000");
        assert_eq!(regression(&scores(1), Style::plain()).len(), 3, "the mean of one is that one");
        let lines = regression(&scores(200), Style::plain());
        assert!(lines.len() <= 24 && lines[0].ends_with("lowest R² of 200 outputs; --json has all"), "{lines:#?}");
        let json = serde_json::to_value(scores(1)).unwrap();
        assert_eq!(json["outputs"][0], serde_json::json!({ "rmse": 12.5, "mae": 1.0, "r2": 0.0 }));
    }

    #[test]
    fn nothing_to_divide_by_is_not_zero_percent() {
        let counts = ndarray::array![[2, 1, 0, 0], [0, 0, 0, 0], [3, 0, 0, 0], [0, 0, 0, 0]];
        let lines = classes(&names(4), &evaluation(counts).classes(), Style::plain());
        let cells = |line: &str| line.split_whitespace().skip(1).map(String::from).collect::<Vec<_>>().join(" ");
        assert_eq!(cells(&lines[1]), "40.00 % 66.67 % 50.00 % 3");
        // Taken for once, but it does not occur; occurs, but never taken for; neither.
        assert_eq!(cells(&lines[2]), "0.00 % – 0.00 % 0");
        assert_eq!(cells(&lines[3]), "– 0.00 % 0.00 % 3");
        assert_eq!(cells(&lines[4]), "– – – 0");
    }
}
