//! What the run was, and how to have it again.

use super::{RunReport, numbers};
use crate::run::{Failure, RunDir};
use furlough::nn::{Activation, Mlp, ParamSpec};
use maud::{Markup, html};

pub(super) fn section(report: &RunReport) -> Markup {
    let recipe = &report.recipe;
    html! {
        p { "The same recipe on the same data gives the same model, byte for byte, with any number of threads." }
        h3 { "Reproduce" }
        pre tabindex="0" aria-label="Commands" { code { (commands(report)) } }
        h3 { "recipe.toml" }
        pre tabindex="0" aria-label="Recipe" { code { (recipe.to_toml()) } }
        @if let Some(model) = &report.model { h3 { "Network" } (layers(&model.mlp)) }
        h3 { "Data and machine" }
        dl.facts {
            dt { "Data" } dd { (recipe.data()) @if let Some(manifest) = &report.manifest { ", \
             from " (manifest.data_origin) } }
            @if let Some(model) = &report.model {
                dt { "Examples" }
                dd {
                    (numbers::shape(&model.info.data.shape))
                    @if !model.info.data.classes.is_empty() { ", " (model.info.data.classes.len()) " classes" }
                }
            }
            @if let Some(manifest) = &report.manifest {
                dt { "Fingerprint" } dd { code { (manifest.data_fingerprint) } }
                dt { "Machine" }
                dd { (numbers::counted(manifest.threads, "thread")) ", " (manifest.instruction_set) }
                dt { "Steps" } dd { (numbers::whole(manifest.steps)) }
                dt { "Software" } dd { "furlough " (manifest.library) }
            }
            @if let Some(from) = report.warm_start() {
                dt { "Began" } dd {
                    "with the weights of " (from.run) " after " (numbers::counted(from.epoch as usize, "epoch"))
                }
                dt { "Weights" } dd { code { (from.weights) } }
            }
            dt { "Time" }
            dd {
                (numbers::seconds(report.seconds()))
                @if !report.records.is_empty() { ", " (numbers::seconds(report.seconds() / report.records.len()
                    as f64)) " an epoch" }
            }
        }
    }
}

fn commands(report: &RunReport) -> String {
    let own = if report.recipe.data() == furlough::data::catalog::OWN_FILES { " --data-dir DIR" } else { "" };
    let name = shell_word(&report.name);
    if let Some(failure) = &report.failure {
        return match failure {
            Failure::Diverged { .. } => {
                let lr = report.recipe.options().learning_rate / 10.0;
                format!(
                    "# the recipe below, saved as recipe.toml, diverges at the same step each time; try a lower rate\n\
                     furlough train --recipe recipe.toml --lr {lr} --max-norm 3{own} --out again"
                )
            }
            Failure::Error { .. } => {
                format!(
                    "# try again with the recipe below saved as recipe.toml\nfurlough train --recipe recipe.toml{own} \
                     --out again"
                )
            }
        };
    }
    let start = shell_word(&format!("{}/{}", report.name, RunDir::START));
    let from = report.warm_start().map_or(String::new(), |_| format!(" --from {start}"));
    if report.manifest.is_none() {
        return format!("# go on with it\nfurlough train --resume {name}{own}");
    }
    format!(
        "# with the recipe below saved as recipe.toml\nfurlough train --recipe recipe.toml{from}{own} --out again\n\
         # the same figures class by class\nfurlough evaluate {name}{own}"
    )
}

/// `name` as it can be typed in a shell.
fn shell_word(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=:@,%".contains(c);
    if !name.is_empty() && name.chars().all(plain) { name.into() } else { format!("'{}'", name.replace('\'', r"'\''")) }
}

fn layers(mlp: &Mlp) -> Markup {
    let architecture = mlp.architecture();
    let learned = |place: usize| mlp.learned_dropout().find(|(block, _)| *block == place).map(|(_, p)| p);
    let input = architecture.input_dropout();
    let parameters = |place: usize| -> usize {
        let of_block = architecture.param_specs().iter().filter(|spec| spec.group.block() == place);
        of_block.map(ParamSpec::len).sum()
    };
    html! {
        div.scroll tabindex="0" role="region" aria-label="Layers" {
            table {
                caption { "Layers, from the features on" }
                thead {
                    tr {
                        th.text scope="col" { "Layer" } th scope="col" { "Inputs" } th scope="col" { "Units" }
                        th.text scope="col" { "Activation" }
                        th scope="col" { "Dropout" } th scope="col" { "Parameters" }
                    }
                }
                tbody {
                    tr {
                        th scope="row" { "features" } td { } td { (numbers::whole(architecture.inputs() as u64)) }
                            td { }
                        td { (if input.is_identity() { "–".to_string() } else { input.p().to_string() }) } td { }
                    }
                    @for (place, block) in architecture.blocks().iter().enumerate() {
                        tr {
                            th scope="row" { "linear " (place + 1) }
                            td { (numbers::whole(block.inputs as u64)) }
                            td { (numbers::whole(block.outputs as u64)) }
                            td.text { (if block.activation == Activation::Identity { "–" } else {
                                block.activation.name() }) }
                            td {
                                (if block.dropout.is_identity() { "–".to_string() } else {
                                    block.dropout.p().to_string() })
                                @if let Some(p) = learned(place) { ", learned " (numbers::loss(p)) }
                            }
                            td { (numbers::whole(parameters(place) as u64)) }
                        }
                    }
                    tr.sum {
                        th scope="row" { "all" } td { } td { } td { } td { } td {
                            (numbers::whole(architecture.parameters() as u64)) }
                    }
                }
            }
        }
    }
}
