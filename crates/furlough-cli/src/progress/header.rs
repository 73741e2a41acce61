use super::TrainPlan;
use crate::terminal::{Style, name, path, thousands, threads, wrap};
use furlough::compute::Precision;
use furlough::nn::{Activation, Architecture, Dropout, DropoutKind, MaskSharing};
use furlough::optim::{Optimizer, Schedule};
use furlough::{counted, noun_of};
use furlough_lab::recipe::Recipe;

/// The lines that say what will happen.
pub fn header(plan: &TrainPlan, style: Style) -> String {
    let mut lines = vec![style.bold(&format!("furlough {}", env!("CARGO_PKG_VERSION"))), String::new()];
    let classes = plan.classes.map(|n| format!(", {}", counted(n, "class"))).unwrap_or_default();
    let shape: Vec<_> = plan.shape.iter().map(ToString::to_string).collect();
    let (train, eval) = (thousands(plan.train as u64), thousands(plan.eval as u64));
    let mut field = |name: &str, text: &str, note: bool| {
        for (index, line) in wrap(text, style.width.saturating_sub(INDENT)).into_iter().enumerate() {
            let name = if index == 0 { name } else { "" };
            let line = if note { style.dim(&line) } else { style.text(&line) };
            lines.push(format!("  {} {line}", style.dim(&format!("{name:<9}"))));
        }
    };
    field(
        "data",
        &format!(
            "{} · {train} train, {eval} {} · {}{classes}",
            plan.recipe.data(),
            plan.recipe.partition().eval_split(),
            shape.join("×")
        ),
        false,
    );
    field("", &name(&plan.origin), true);
    field("network", &network(&plan.architecture), false);
    field(
        "",
        &format!(
            "{} parameters, init {}{}{}",
            thousands(plan.architecture.parameters() as u64),
            plan.recipe.options().init,
            sharing(&plan.architecture),
            schedule(plan.recipe.dropout_schedule())
        ),
        true,
    );
    if let Some(preset) = &plan.preset {
        field("preset", preset, false);
    }
    field("training", &training(&plan.recipe, Some(plan.steps_per_epoch())), false);
    if let Some(members) = plan.recipe.members() {
        field("members", &self::members(&plan.recipe, members, plan.threads), false);
    }
    let precision = match plan.recipe.precision() {
        Precision::F32 => "",
        Precision::Bf16 => " · products of bfloat16",
    };
    field("machine", &format!("{} · {}{precision}", threads(plan.threads), plan.instruction_set), false);
    field("run", &path(&plan.out), false);
    if let Some(from) = &plan.from {
        let text = format!("from {}{}; the optimizer's state began anew", name(&from.run), from.after());
        field("", &text, true);
        if let Some(warning) = from.warning() {
            field("warning", &warning, false);
        }
    }
    if let Some(at) = plan.resumed {
        let (epoch, step) = (at.epoch, at.step_in_epoch);
        let place = if step == 0 {
            format!("after epoch {epoch}")
        } else {
            format!("in epoch {}, after step {step}", epoch + 1)
        };
        field("", &format!("resumed {place}"), true);
    }
    lines.push(String::new());
    lines.join("\n")
}

/// `8 networks, each without another of 8 parts of the rows · 2 at a time`.
fn members(recipe: &Recipe, members: u32, threads: usize) -> String {
    let folds = recipe.partition().folds.unwrap_or(1);
    let how = match recipe.member(1).partition().fold == recipe.member(0).partition().fold {
        true => "each with a seed of its own".into(),
        false => format!("each without another of {folds} parts of the rows"),
    };
    format!("{members} networks, {how} · {} at a time", threads.clamp(1, members as usize))
}

const INDENT: usize = 12;

/// Returns `784 → 256 relu, drop 0.2 → 10`, or `12, 2 of them embedded → 26 → 64 relu → 3`.
pub fn network(architecture: &Architecture) -> String {
    let mut text = architecture.inputs().to_string();
    if let Some(stage) = architecture.input_stage() {
        let embedded = stage.columns().iter().filter(|column| column.width() > 1).count();
        text += &format!(", {embedded} of them embedded → {}", stage.width());
    }
    let drop = |dropout: Dropout| match (dropout.kind(), dropout.p()) {
        (_, 0.0) => String::new(),
        (DropoutKind::Bernoulli, p) => format!(", drop {p}"),
        (kind, p) => format!(", {kind} dropout {p}"),
    };
    text.push_str(&drop(architecture.input_dropout()));
    for block in architecture.blocks() {
        let activation = match block.activation {
            Activation::Identity => String::new(),
            other => format!(" {}", other.name()),
        };
        text.push_str(&format!(" → {}{activation}{}", block.outputs, drop(block.dropout)));
    }
    text
}

/// `, masks shared by 64 examples`.
fn sharing(architecture: &Architecture) -> String {
    match architecture.sharing() {
        MaskSharing::PerExample => String::new(),
        MaskSharing::Rows(rows) if rows.get() == 1 => ", masks by place in the batch".into(),
        MaskSharing::Rows(rows) => format!(", masks shared by {rows} examples"),
        MaskSharing::Batch => ", masks shared by the batch".into(),
    }
}

/// `, dropout early:0.3`.
fn schedule(schedule: &Schedule) -> String {
    if schedule.is_constant() { String::new() } else { format!(", dropout {schedule}") }
}

/// Returns `SGD, lr 0.5 · batches of 256 · 10 epochs of 235 steps · seed 0`; without the steps
/// where they are not known.
pub fn training(recipe: &Recipe, steps: Option<u64>) -> String {
    let options = recipe.options();
    let mut text = format!("{}, lr {}", options.optimizer.title(), options.learning_rate);
    if !options.lr_schedule.is_constant() {
        text.push_str(&format!(" {}", options.lr_schedule));
    }
    if let Optimizer::Sgd { momentum, nesterov } = options.optimizer
        && momentum > 0.0
    {
        text.push_str(&format!(", {} {momentum}", if nesterov { "Nesterov momentum" } else { "momentum" }));
    }
    if recipe.weight_decay() > 0.0 {
        text.push_str(&format!(", weight decay {}", recipe.weight_decay()));
        if !options.weight_decay_schedule.is_constant() {
            text.push_str(&format!(" {}", options.weight_decay_schedule));
        }
    }
    if options.regularizers.l1 > 0.0 {
        text.push_str(&format!(", L1 {}", options.regularizers.l1));
    }
    if let Some(norm) = options.clip_norm {
        text.push_str(&format!(", gradients clipped to {norm}"));
    }
    if let Some(norm) = options.regularizers.max_norm {
        text.push_str(&format!(", max-norm {norm}"));
    }
    let epochs = counted(options.epochs as usize, "epoch");
    let steps = steps.map(|steps| format!(" of {} {}", thousands(steps), noun_of(steps as usize, "step")));
    let steps = steps.unwrap_or_default();
    text + &format!(" · batches of {} · {epochs}{steps} · seed {}", options.batch_size, options.seed)
}
