//! What Python hears of a training, and how it stops one.

use crate::exceptions::Failed;
use furlough::train::{Control, EpochSummary};
use furlough_lab::run::FitReport;
use pyo3::exceptions::PyKeyboardInterrupt;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::time::{Duration, Instant};

/// How often it is asked for a Ctrl-C.
const ASKED_EVERY: Duration = Duration::from_millis(50);

/// Hears what is told, keeps the curves, and asks to stop.
pub(crate) struct Listener {
    begun: Instant,
    asked: Instant,
    limit: Option<Duration>,
    told: Option<Py<PyAny>>,
    epochs: Vec<(u32, EpochSummary)>,
    interrupted: bool,
    failed: Option<PyErr>,
}

/// What a training was like.
pub(crate) struct Heard {
    epochs: Vec<(u32, EpochSummary)>,
    interrupted: bool,
    seconds: f64,
}

impl Listener {
    /// Begins to listen: `told` is called after each epoch, and the training stops after so many
    /// seconds.
    pub(crate) fn new(limit: Option<f64>, told: Option<Py<PyAny>>) -> Self {
        let now = Instant::now();
        let limit = limit.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        Listener { begun: now, asked: now, limit, told, epochs: Vec::new(), interrupted: false, failed: None }
    }

    /// Takes a report, without the interpreter's lock.
    pub(crate) fn hear(&mut self, report: FitReport) -> Control {
        if self.interrupted || self.failed.is_some() {
            return Control::Stop;
        }
        let mut stops = self.limit.is_some_and(|limit| self.begun.elapsed() >= limit);
        if let FitReport::Epoch(network, summary) = report {
            if let Some(told) = &self.told {
                let answer = Python::attach(|py| {
                    let answer = told.bind(py).call1((network, figures(py, &summary)?))?;
                    answer.is_truthy()
                });
                stops |= self.stops(answer);
            }
            self.epochs.push((network, summary));
        }
        if self.asked.elapsed() >= ASKED_EVERY {
            let signals = Python::attach(|py| py.check_signals());
            self.asked = Instant::now();
            stops |= self.stops(signals.map(|()| false));
        }
        if stops { Control::Stop } else { Control::Continue }
    }

    /// Whether an answer of Python's is that all stops.
    fn stops(&mut self, answer: PyResult<bool>) -> bool {
        match answer {
            Ok(stops) => stops,
            Err(error) => {
                let interrupt = Python::attach(|py| error.is_instance_of::<PyKeyboardInterrupt>(py));
                self.interrupted |= interrupt;
                self.failed = Some(error).filter(|_| !interrupt);
                true
            }
        }
    }

    /// Returns what was heard, or the exception that stopped it.
    pub(crate) fn end(self) -> Result<Heard, Failed> {
        match self.failed {
            Some(error) => Err(error.into()),
            None => Ok(Heard {
                seconds: self.begun.elapsed().as_secs_f64(),
                interrupted: self.interrupted,
                epochs: self.epochs,
            }),
        }
    }
}

impl Heard {
    /// Returns it for Python.
    pub(crate) fn into_dict<'py>(self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let dict = PyDict::new(py);
        let epochs = self.epochs.iter().map(|(network, summary)| Ok((*network, figures(py, summary)?)));
        dict.set_item("epochs", epochs.collect::<PyResult<Vec<_>>>()?)?;
        dict.set_item("interrupted", self.interrupted)?;
        dict.set_item("seconds", self.seconds)?;
        Ok(dict)
    }
}

/// Returns the figures of an epoch by their names.
fn figures<'py>(py: Python<'py>, summary: &EpochSummary) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("epoch", summary.epoch)?;
    dict.set_item("train_loss", summary.train_loss)?;
    dict.set_item("train_accuracy", summary.train_accuracy)?;
    dict.set_item("val_loss", summary.eval_loss())?;
    dict.set_item("val_accuracy", summary.eval_accuracy())?;
    Ok(dict)
}
