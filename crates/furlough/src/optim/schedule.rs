use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::f64::consts::PI;
use std::fmt;
use std::str::FromStr;

/// How the learning rate, the weight decay or the drop probabilities change in the course of a
/// training: what they are multiplied by, as a pure function of the step. A run that is resumed
/// therefore goes on as it would have.
///
/// Fractions F are of the whole training, from 0 to 1. Written `constant`, `linear`, `cosine`,
/// `early:F`, `late:F`, `ramp:F`, `decay`, `coslog4`, `flat_cos`, `onecycle`, `onecycle:F`, and
/// `warmup:F+NAME` with any of these as NAME. `docs/reference/schedules.md` has the formulas.
///
/// ```
/// use furlough::optim::Schedule;
/// assert_eq!([0, 50, 75].map(|step| Schedule::Linear.factor(step, 100)), [1.0, 0.5, 0.25]);
/// assert_eq!(Schedule::Cosine.factor(50, 100), 0.5);
/// let early: Schedule = "early:0.25".parse()?;
/// assert_eq!([0, 24, 25, 99].map(|step| early.factor(step, 100)), [1.0, 1.0, 0.0, 0.0]);
/// let warm: Schedule = "warmup:0.2+linear".parse()?;
/// assert_eq!([0, 10, 20, 60].map(|step| warm.factor(step, 100)), [0.0, 0.5, 1.0, 0.5]);
/// # Ok::<(), furlough::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Schedule {
    /// 1 throughout.
    #[default]
    Constant,
    /// Down in a straight line, to 0 after the last step.
    Linear,
    /// Down along half a cosine, to 0 after the last step: slow, fast, slow. The single descent of
    /// Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts", ICLR 2017,
    /// without the restarts.
    Cosine,
    /// 1 for the first F of the training, then 0. For dropout: against underfitting ("early
    /// dropout" of Liu, Xu, Jin, Shen and Darrell, "Dropout reduces underfitting", ICML 2023).
    Early(f64),
    /// 0 for the first F of the training, then 1. For dropout: against overfitting ("late dropout"
    /// of the same paper).
    Late(f64),
    /// From 0 up to 1 in a straight line over the first F of the training, then 1. For dropout: a
    /// curriculum from easy to hard. Morerio, Cavazza, Volpi, Vidal and Murino, "Curriculum
    /// dropout", ICCV 2017, let the drop probability rise as `p (1 - exp(-10 step / steps))`, which
    /// is half of p after 7 % of the training and never quite p; a ramp over 0.2 is about as fast
    /// and then stays.
    Ramp(f64),
    /// The same factors as [`Schedule::Linear`], under the name that dropout's schedules have: its
    /// end is close to what is evaluated.
    Decay,
    /// Four cycles of a cosine in the logarithm of the time, each about twice as long as the one
    /// before, from 0 to 1 and back: RealMLP's schedule of the learning rate (Holzmüller,
    /// Grinsztajn and Steinwart, "Better by default", NeurIPS 2024).
    CosLog4,
    /// 1 for the first half of the training, then down to 0 along half a cosine: RealMLP's schedule
    /// of dropout and weight decay, in the same paper.
    FlatCos,
    /// From 1/25 up to 1 along half a cosine over the first F of the training, then down to
    /// 1/250,000 along another: Smith and Topin, "Super-convergence", 2018, as PyTorch's
    /// `OneCycleLR` has it with its defaults. F is 0.3 there and where it is not written.
    OneCycle(f64),
    /// From 0 up to 1 in a straight line over the first F of the training, then another schedule
    /// over the rest of it: Goyal et al., "Accurate, large minibatch SGD", 2017.
    Warmup(f64, Box<Schedule>),
}

const REASON: &str = "write constant, linear, cosine, early:F, late:F, ramp:F, decay, coslog4, flat_cos, onecycle, \
    onecycle:F or warmup:F+NAME, with F a fraction of the training from 0 to 1 and NAME another of these";

/// Part of the training in which one-cycle rises, unless said otherwise.
const RISE: f64 = 0.3;

/// Where one-cycle begins and ends: PyTorch's `1 / div_factor` and that over `final_div_factor`.
const ONE_CYCLE_START: f64 = 1.0 / 25.0;
const ONE_CYCLE_END: f64 = ONE_CYCLE_START / 1e4;

impl Schedule {
    /// Returns what is multiplied at `step`, from 0, of `steps` in all: from 0 to 1, and exactly 1
    /// with [`Schedule::Constant`].
    pub fn factor(&self, step: u64, steps: u64) -> f64 {
        self.at(step as f64, steps as f64)
    }

    /// The same for a training that need not have whole steps, as the rest after a warm-up.
    fn at(&self, step: f64, steps: f64) -> f64 {
        match self {
            Schedule::Constant => 1.0,
            Schedule::Linear | Schedule::Decay => 1.0 - step / steps,
            // libm's, because the system's may differ in the last bit from machine to machine.
            Schedule::Cosine => 0.5 * (1.0 - libm::sin(PI * (step / steps - 0.5))),
            Schedule::Early(part) => f64::from(step < part * steps),
            Schedule::Late(part) => f64::from(step >= part * steps),
            Schedule::Ramp(part) if step < part * steps => step / (part * steps),
            Schedule::Ramp(_) => 1.0,
            Schedule::CosLog4 => 0.5 * (1.0 - libm::cos(2.0 * PI * libm::log2(1.0 + 15.0 * (step / steps)))),
            Schedule::FlatCos if 2.0 * step < steps => 1.0,
            Schedule::FlatCos => 0.5 * (1.0 + libm::cos(PI * (2.0 * (step / steps) - 1.0))),
            Schedule::OneCycle(part) => one_cycle(*part, step, steps),
            Schedule::Warmup(part, _) if step < part * steps => step / (part * steps),
            Schedule::Warmup(part, then) => then.at(step - part * steps, steps - part * steps),
        }
    }

    /// Checks the fractions. `key` names the setting in the error.
    ///
    /// # Errors
    /// [`Error::Setting`] when one is not from 0 to 1, or a warm-up is followed by another.
    pub fn validate(&self, key: &str) -> Result<()> {
        if self.is_valid() { Ok(()) } else { Err(Error::setting(key, self, REASON)) }
    }

    fn is_valid(&self) -> bool {
        use Schedule::{Early, Late, OneCycle, Ramp, Warmup};
        let fraction = |part: &f64| (0.0..=1.0).contains(part);
        match self {
            Early(part) | Late(part) | Ramp(part) | OneCycle(part) => fraction(part),
            Warmup(part, then) => fraction(part) && !matches!(**then, Warmup(..)) && then.is_valid(),
            _ => true,
        }
    }

    /// Reads a schedule that is the value of `key`, which names it in the error.
    ///
    /// # Errors
    /// [`Error::Setting`] for what is not a schedule.
    pub fn parse(key: &str, text: &str) -> Result<Self> {
        Self::read(text).filter(Schedule::is_valid).ok_or_else(|| Error::setting(key, text, REASON))
    }

    fn read(text: &str) -> Option<Schedule> {
        if let Some((part, then)) = text.strip_prefix("warmup:").and_then(|rest| rest.split_once('+')) {
            return Some(Schedule::Warmup(part.parse().ok()?, Box::new(Schedule::read(then)?)));
        }
        let (name, part) = match text.split_once(':') {
            Some((name, part)) => (name, Some(part.parse().ok()?)),
            None => (text, None),
        };
        Some(match (name, part) {
            ("constant", None) => Schedule::Constant,
            ("linear", None) => Schedule::Linear,
            ("cosine", None) => Schedule::Cosine,
            ("early", Some(part)) => Schedule::Early(part),
            ("late", Some(part)) => Schedule::Late(part),
            ("ramp", Some(part)) => Schedule::Ramp(part),
            ("decay", None) => Schedule::Decay,
            ("coslog4", None) => Schedule::CosLog4,
            ("flat_cos", None) => Schedule::FlatCos,
            ("onecycle", part) => Schedule::OneCycle(part.unwrap_or(RISE)),
            _ => return None,
        })
    }

    /// Returns whether it is 0 at every step, so that nothing is left of what it multiplies.
    pub fn is_zero(&self) -> bool {
        match self {
            Schedule::Early(part) => *part == 0.0,
            Schedule::Late(part) => *part == 1.0,
            Schedule::Warmup(part, then) => *part == 0.0 && then.is_zero(),
            _ => false,
        }
    }

    /// Whether it is [`Schedule::Constant`].
    pub fn is_constant(&self) -> bool {
        *self == Schedule::Constant
    }
}

/// PyTorch's `OneCycleLR` with cosines and two phases, relative to its `max_lr`.
fn one_cycle(part: f64, step: f64, steps: f64) -> f64 {
    let cosine = |from: f64, to: f64, done: f64| to + 0.5 * (from - to) * (1.0 + libm::cos(PI * done));
    // A phase of no length is over.
    let done = |step: f64, length: f64| if length > 0.0 { step / length } else { 1.0 };
    let (peak, last) = (part * steps - 1.0, steps - 1.0);
    if step <= peak {
        return cosine(ONE_CYCLE_START, 1.0, done(step, peak));
    }
    cosine(1.0, ONE_CYCLE_END, done(step - peak, last - peak))
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Schedule::Constant => f.write_str("constant"),
            Schedule::Linear => f.write_str("linear"),
            Schedule::Cosine => f.write_str("cosine"),
            Schedule::Early(part) => write!(f, "early:{part}"),
            Schedule::Late(part) => write!(f, "late:{part}"),
            Schedule::Ramp(part) => write!(f, "ramp:{part}"),
            Schedule::Decay => f.write_str("decay"),
            Schedule::CosLog4 => f.write_str("coslog4"),
            Schedule::FlatCos => f.write_str("flat_cos"),
            Schedule::OneCycle(RISE) => f.write_str("onecycle"),
            Schedule::OneCycle(part) => write!(f, "onecycle:{part}"),
            Schedule::Warmup(part, then) => write!(f, "warmup:{part}+{then}"),
        }
    }
}

impl FromStr for Schedule {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Schedule::parse("schedule", text)
    }
}

impl TryFrom<String> for Schedule {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<Schedule> for String {
    fn from(schedule: Schedule) -> Self {
        schedule.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::Schedule::{self, Constant, CosLog4, Cosine, Decay, Early, Late, Linear, OneCycle, Ramp, Warmup};

    fn all(schedule: &Schedule, steps: u64) -> Vec<f64> {
        (0..steps).map(|step| schedule.factor(step, steps)).collect()
    }

    fn close(schedule: &str, steps: u64, expected: &[f64]) {
        let factors = all(&schedule.parse().unwrap(), steps);
        let near = factors.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-14);
        assert!(near && factors.len() == expected.len(), "{schedule}: {factors:?}, not {expected:?}");
    }

    #[test]
    fn schedules_that_leave_nothing_are_known() {
        for text in ["early:0", "late:1", "warmup:0+late:1", "constant", "late:0", "ramp:1", "warmup:0.5+early:0"] {
            let schedule: Schedule = text.parse().unwrap();
            assert_eq!(schedule.is_zero(), all(&schedule, 8).iter().all(|&factor| factor == 0.0), "{text}");
        }
    }

    /// What these texts have always meant, to the bit.
    #[test]
    fn factors_are_those_of_the_formulas() {
        assert_eq!(all(&Constant, 3), [1.0, 1.0, 1.0]);
        assert_eq!(all(&Early(0.5), 4), [1.0, 1.0, 0.0, 0.0]);
        assert_eq!(all(&Late(0.5), 4), [0.0, 0.0, 1.0, 1.0]);
        // Two and a half steps: the third is begun within them.
        assert_eq!(all(&Early(0.5), 5), [1.0, 1.0, 1.0, 0.0, 0.0]);
        assert_eq!(all(&Ramp(0.8), 5), [0.0, 0.25, 0.5, 0.75, 1.0]);
        for falls in [Linear, Decay] {
            assert_eq!(all(&falls, 4), [1.0, 0.75, 0.5, 0.25]);
        }
        // Both ends of F.
        assert_eq!((all(&Early(0.0), 3), all(&Early(1.0), 3)), (vec![0.0; 3], vec![1.0; 3]));
        assert_eq!((all(&Late(0.0), 3), all(&Late(1.0), 3)), (vec![1.0; 3], vec![0.0; 3]));
        assert_eq!((all(&Ramp(0.0), 3), Ramp(1.0).factor(1, 4)), (vec![1.0; 3], 0.25));
        assert!((Cosine.factor(25, 100) - (0.5 + 0.125f64.sqrt())).abs() < 1e-15);
        assert_eq!(Cosine.factor(0, 7), 1.0);
    }

    #[test]
    fn one_cycle_is_pytorch_s() {
        // torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=1.0, total_steps=…), by its steps.
        let ten = [
            0.04,
            0.52,
            1.0,
            0.9504846320134737,
            0.8117456539497631,
            0.6112620219362893,
            0.38874197806371075,
            0.18825834605023697,
            0.049519367986526286,
            4e-6,
        ];
        close("onecycle", 10, &ten);
        let seven = [
            0.04,
            0.9944154354509117,
            0.8665264698111694,
            0.6112620219362893,
            0.31733221849885124,
            0.08688426531955129,
            4e-6,
        ];
        close("onecycle:0.25", 7, &seven);
        close("onecycle:0", 5, &[0.904508879153485, 0.654509879153485, 0.3454941208465151, 0.09549512084651508, 4e-6]);
        close("onecycle:1", 4, &[0.04, 0.28, 0.76, 1.0]);
        close("onecycle", 1, &[4e-6]);
        // PyTorch divides by zero where the first phase is one step: there it is at its end.
        close("onecycle:0.5", 2, &[1.0, 4e-6]);
    }

    #[test]
    fn realmlp_s_schedules_are_those_of_its_paper() {
        // The cycles of coslog4 end where 1 + 15 t is a power of two: t = 1/15, 3/15, 7/15.
        let cycles: Vec<f64> = [0, 1, 3, 7].map(|step| CosLog4.factor(step, 15)).to_vec();
        assert!(cycles.iter().all(|factor| factor.abs() < 1e-14), "{cycles:?}");
        // In between, at powers of the square root of two, it is 1.
        for power in [0.5f64, 1.5, 2.5, 3.5] {
            let at = CosLog4.at(power.exp2() - 1.0, 15.0);
            assert!((at - 1.0).abs() < 1e-14, "{power}: {at}");
        }
        close("flat_cos", 8, &[1.0, 1.0, 1.0, 1.0, 1.0, 0.5 + 0.125f64.sqrt(), 0.5, 0.5 - 0.125f64.sqrt()]);
    }

    #[test]
    fn a_warm_up_is_followed_by_the_whole_of_another_schedule() {
        assert_eq!(all(&"warmup:0.5+constant".parse().unwrap(), 4), [0.0, 0.5, 1.0, 1.0]);
        assert_eq!(all(&"warmup:0.5+linear".parse().unwrap(), 8), [0.0, 0.25, 0.5, 0.75, 1.0, 0.75, 0.5, 0.25]);
        assert_eq!(all(&"warmup:0+linear".parse().unwrap(), 4), all(&Linear, 4));
        assert_eq!(all(&"warmup:1+early:0.5".parse().unwrap(), 4), all(&Ramp(1.0), 4));
        // Two and a half steps of five: what follows has two and a half too.
        close("warmup:0.5+linear", 5, &[0.0, 0.4, 0.8, 0.8, 0.4]);
        let cosine = |done: f64| 0.5 * (1.0 + (std::f64::consts::PI * done).cos());
        close("warmup:0.2+cosine", 5, &[0.0, 1.0, cosine(0.25), 0.5, cosine(0.75)]);
    }

    #[test]
    fn every_factor_is_from_0_to_1() {
        for text in TEXTS {
            let schedule: Schedule = text.parse().unwrap();
            assert_eq!(schedule.to_string(), text);
            for steps in [1, 2, 3, 7, 1000, u64::from(u32::MAX)] {
                for step in [0, 1, 2, steps / 3, steps / 2, steps - steps / 3, steps - 1] {
                    let factor = schedule.factor(step.min(steps - 1), steps);
                    assert!((0.0..=1.0).contains(&factor), "{text} at {step} of {steps}: {factor}");
                }
            }
        }
    }

    const TEXTS: [&str; 17] = [
        "constant",
        "linear",
        "cosine",
        "early:0.1",
        "early:0",
        "early:1",
        "late:0.25",
        "ramp:1",
        "decay",
        "coslog4",
        "flat_cos",
        "onecycle",
        "onecycle:0",
        "onecycle:1",
        "warmup:0.05+cosine",
        "warmup:0.1+onecycle:0.5",
        "warmup:0.5+early:0.5",
    ];

    #[test]
    fn what_is_no_schedule_is_refused() {
        for text in [
            "",
            "early",
            "early:",
            "early:x",
            "early:1.5",
            "early:-0.1",
            "early:NaN",
            "decay:0.5",
            "constant:1",
            "Decay",
            "ramp:0.1:2",
            "onecycle:",
            "onecycle:2",
            "warmup:0.1",
            "warmup:0.1+",
            "warmup:2+linear",
            "warmup:x+linear",
            "warmup:0.1+step",
            "warmup:0.1+late:7",
            "warmup:0.1+warmup:0.1+linear",
            "linear+cosine",
            "warmup+linear",
        ] {
            let error = Schedule::parse("lr_schedule", text).unwrap_err().to_string();
            assert!(error.starts_with(&format!("lr_schedule = {text}: write constant, linear, cosine")), "{error}");
        }
        assert_eq!("onecycle:0.3".parse::<Schedule>().unwrap().to_string(), "onecycle");
        for bad in [Early(-1.0), Ramp(f64::NAN), OneCycle(1.5), Warmup(1.5, Constant.into())] {
            let error = bad.validate("dropout_schedule").unwrap_err().to_string();
            assert!(error.starts_with(&format!("dropout_schedule = {bad}: write")), "{error}");
        }
    }
}
