//! Where the network is wrong and does not doubt it.

use super::embed;
use super::numbers::{percent, whole};
use super::{Answers, ExampleView, MistakeView};
use furlough::data::EvalSplit;
use maud::{Markup, html};

pub(super) fn section(answers: &Answers, split: EvalSplit) -> Option<Markup> {
    let confusion = answers.evaluation.confusion.as_ref()?;
    let wrong = confusion.sum() - confusion.diag().sum();
    if answers.mistakes.is_empty() {
        return Some(html! { p { "There are none: every " (split) " example was answered rightly." } });
    }
    Some(html! {
        p {
            "The surest of " (whole(wrong)) " wrong answers, the surest first. Each has the answer, the class it is \
             of, the probability \
             of the answer, and its number in the data. Look here for examples that are labeled wrongly, and for what \
             the network cannot see."
        }
        ul.mistakes { @for shown in &answers.mistakes { (item(&answers.names, shown)) } }
    })
}

fn item(names: &[String], MistakeView { mistake, view }: &MistakeView) -> Markup {
    let name = |class: u32| names.get(class as usize).map_or("?", String::as_str);
    let (truth, said) = (name(mistake.label), name(mistake.predicted));
    html! {
        li {
            @match view {
                ExampleView::Image(image) => {
                    img src=(embed::png_address(&image.png)) width=(image.width) height=(image.height)
                        style={ "--ratio:" (image.width) "/" (image.height) }
                        alt={ "Example " (mistake.index) ", class " (truth) };
                }
                ExampleView::Row(values, all) => { code { (row(values, *all)) } }
            }
            div.said { (said) }
            div.truth { "is " (truth) }
            div.sure { (percent(mistake.probability)) " · no. " (mistake.index) }
        }
    }
}

/// `0.12 3 -1 … of 64 features`.
fn row(values: &[f32], all: usize) -> String {
    let mut text = values.iter().map(|value| format!("{value:.3}")).collect::<Vec<_>>().join(" ");
    if values.len() < all {
        text.push_str(&format!(" … ({all} features)"));
    }
    text
}
