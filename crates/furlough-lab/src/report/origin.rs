//! What the run was, and how to have it again.

use super::{RunReport, numbers};
use furlough::nn::{Activation, Mlp, ParamSpec};
use maud::{Markup, html};

pub(super) fn section(report: &RunReport) -> Markup {
    let recipe = &report.recipe;
    html! {
        p { "The same recipe on the same data gives the same model, byte for byte, with any number of threads." }
        @if !report.commands.is_empty() {
            h3 { "Reproduce" }
            pre tabindex="0" aria-label="Commands" { code { (report.commands) } }
        }
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
                @if let Some(machine) = &manifest.machine {
                    dt { "Machine" }
                    dd { (numbers::counted(machine.threads, "thread")) ", " (machine.instruction_set) }
                }
                dt { "Steps" } dd { (numbers::whole(manifest.steps)) }
                dt { "Software" } dd { "furlough " (manifest.library) }
            }
            @if let Some(from) = report.warm_start() {
                dt { "Began" } dd {
                    "with the weights of " (from.run) (from.after())
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

fn layers(mlp: &Mlp) -> Markup {
    let architecture = mlp.architecture();
    let learned = |place: usize| mlp.learned_dropout().find(|(block, _)| *block == place).map(|(_, p)| p);
    let input = architecture.input_dropout();
    let parameters = |place: usize| -> usize {
        let of_block = architecture.param_specs().iter().filter(|spec| spec.group.block() == Some(place));
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
