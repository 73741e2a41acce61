use super::{Ending, Output, Renderer, Run, TrainPlan, training::TrainingProgress};
use furlough::data::EvalSplit;
use furlough::train::{Event, StopReason};
use furlough_tables::figures::TableFigures;
use serde::Serialize;

/// One JSON object a line, one line an event.
#[derive(Default)]
pub struct JsonLines;

#[derive(Serialize)]
#[serde(tag = "event", rename_all = "lowercase")]
#[expect(clippy::large_enum_variant, reason = "a line is written at once and never kept")]
enum Line<'a> {
    Start {
        version: &'static str,
        data: Data<'a>,
        network: Network<'a>,
        parameters: usize,
        recipe: &'a furlough_lab::recipe::Recipe,
        epochs: u32,
        steps_per_epoch: u64,
        threads: usize,
        instruction_set: &'a str,
        run: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        from: Option<&'a furlough_lab::run::WarmStart>,
        resumed: Option<Resumed>,
    },
    Step {
        epoch: u32,
        step: u64,
        examples: usize,
        loss: f64,
        accuracy: Option<f64>,
    },
    Epoch {
        #[serde(flatten)]
        summary: &'a furlough::train::EpochSummary,
        seconds: Option<f64>,
    },
    Checkpoint {
        epoch: u32,
        step_in_epoch: u64,
        step: u64,
    },
    Stop {
        reason: StopReason,
        #[serde(skip_serializing_if = "Option::is_none")]
        best_epoch: Option<u32>,
        seconds: f64,
        run: String,
        files: &'a [String],
        #[serde(skip_serializing_if = "Option::is_none")]
        test: Option<&'a TableFigures>,
    },
}

#[derive(Serialize)]
struct Data<'a> {
    name: &'a str,
    origin: &'a str,
    train: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    test: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    validation: Option<usize>,
    #[serde(rename = "judge")]
    eval_split: EvalSplit,
    shape: &'a [usize],
    classes: Option<usize>,
}

#[derive(Serialize)]
struct Network<'a> {
    inputs: usize,
    hidden: &'a [usize],
    outputs: usize,
    activation: &'a str,
    input_dropout: f64,
    dropout: &'a [f64],
}

#[derive(Serialize)]
struct Resumed {
    epoch: u32,
    step_in_epoch: u64,
    step: u64,
}

fn line(line: &Line<'_>) -> String {
    serde_json::to_string(line).expect("plain data with text keys is always JSON")
}

impl Renderer<Run> for JsonLines {
    fn begin(&mut self, plan: &TrainPlan, out: &mut Output) {
        let recipe = &plan.recipe;
        let eval_split = recipe.partition().eval_split();
        let blocks = plan.architecture.blocks();
        out.print(&line(&Line::Start {
            version: env!("CARGO_PKG_VERSION"),
            data: Data {
                name: recipe.data(),
                origin: &plan.origin,
                train: plan.train,
                test: (eval_split == EvalSplit::Test).then_some(plan.eval),
                validation: (eval_split == EvalSplit::Validation).then_some(plan.eval),
                eval_split,
                shape: &plan.shape,
                classes: plan.classes,
            },
            network: Network {
                inputs: plan.architecture.inputs(),
                hidden: recipe.hidden(),
                outputs: plan.architecture.outputs(),
                activation: blocks[0].activation.name(),
                input_dropout: plan.architecture.input_dropout().p(),
                dropout: recipe.dropout(),
            },
            parameters: plan.architecture.parameters(),
            recipe,
            epochs: recipe.options().epochs,
            steps_per_epoch: plan.steps_per_epoch(),
            threads: plan.threads,
            instruction_set: plan.instruction_set,
            run: plan.out.display().to_string(),
            from: plan.from.as_ref(),
            resumed: plan.resumed.map(|at| Resumed { epoch: at.epoch, step_in_epoch: at.step_in_epoch, step: at.step }),
        }));
    }

    fn event(&mut self, (event, progress): &(&Event<'_>, &TrainingProgress), out: &mut Output) {
        match **event {
            // They are too many for each to be written by itself.
            Event::Step { epoch, step, examples, loss, accuracy } => {
                out.print_soon(&line(&Line::Step { epoch, step, examples, loss, accuracy }));
            }
            Event::Epoch(summary) => {
                let seconds = progress.epochs.last().and_then(|row| row.seconds);
                out.print(&line(&Line::Epoch { summary, seconds }));
            }
            Event::Checkpoint { state } => {
                let at = state.progress;
                out.print(&line(&Line::Checkpoint { epoch: at.epoch, step_in_epoch: at.step_in_epoch, step: at.step }));
            }
            _ => {}
        }
    }

    fn end(&mut self, (progress, ending): &(&TrainingProgress, &Ending), out: &mut Output) {
        out.print(&line(&Line::Stop {
            reason: ending.reason,
            best_epoch: progress.best_epoch(),
            seconds: progress.seconds(),
            run: ending.out.display().to_string(),
            files: &ending.files,
            test: ending.scores.as_ref(),
        }));
    }
}
