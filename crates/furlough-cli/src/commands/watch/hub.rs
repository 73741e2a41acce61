use super::catalog::{Catalog, Update};
use super::dropped::Dropped;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::broadcast::{self, Receiver, Sender};

/// How often the folder is looked at.
const PAUSE: Duration = Duration::from_millis(400);
/// A reader that is further behind is told everything again.
const BEHIND: usize = 64;

/// The runs, and those who want to know of changes.
pub struct Hub {
    catalog: Mutex<Catalog>,
    changes: Sender<Arc<str>>,
}

impl Hub {
    /// Looks at the runs for the first time.
    pub fn new(mut catalog: Catalog) -> Self {
        catalog.scan();
        Hub { catalog: Mutex::new(catalog), changes: broadcast::channel(BEHIND).0 }
    }

    fn catalog(&self) -> MutexGuard<'_, Catalog> {
        self.catalog.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many runs there are.
    pub fn runs(&self) -> usize {
        self.catalog().len()
    }

    /// Everything so far, and what comes after it.
    pub fn subscribe(&self) -> (Arc<str>, Receiver<Arc<str>>) {
        let mut catalog = self.catalog();
        if self.changes.receiver_count() == 0 {
            catalog.scan(); // nobody was there to tell, so nothing was read
        }
        (text(&catalog.snapshot()), self.changes.subscribe())
    }

    /// The units that are off in the latest step of a run.
    pub fn dropped(&self, id: u32) -> Option<Dropped> {
        self.catalog().dropped(id)
    }

    /// Looks at the folder again and again while somebody wants to know, and tells what is new. The
    /// cores belong to training: looking takes a twentieth of one at most, however many runs there
    /// are.
    pub fn scan_forever(&self) {
        loop {
            let began = Instant::now();
            if self.changes.receiver_count() > 0 {
                let mut catalog = self.catalog();
                let update = catalog.scan();
                if !update.is_empty() {
                    let _ = self.changes.send(text(&update)); // nobody there any more: nobody to tell
                }
            }
            std::thread::sleep(PAUSE.max(20 * began.elapsed()));
        }
    }
}

fn text(update: &Update) -> Arc<str> {
    serde_json::to_string(update).expect("plain data with text keys is always JSON").into()
}
