use super::catalogue::{Catalogue, Update};
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
    catalogue: Mutex<Catalogue>,
    changes: Sender<Arc<str>>,
}

impl Hub {
    /// Looks at the runs for the first time.
    pub fn new(mut catalogue: Catalogue) -> Self {
        catalogue.scan();
        Hub { catalogue: Mutex::new(catalogue), changes: broadcast::channel(BEHIND).0 }
    }

    fn catalogue(&self) -> MutexGuard<'_, Catalogue> {
        self.catalogue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many runs there are.
    pub fn runs(&self) -> usize {
        self.catalogue().len()
    }

    /// Everything so far, and what comes after it.
    pub fn subscribe(&self) -> (Arc<str>, Receiver<Arc<str>>) {
        let mut catalogue = self.catalogue();
        if self.changes.receiver_count() == 0 {
            catalogue.scan(); // nobody was there to tell, so nothing was read
        }
        (text(&catalogue.snapshot()), self.changes.subscribe())
    }

    /// The units that are off in the latest step of a run.
    pub fn dropped(&self, id: u32) -> Option<Dropped> {
        self.catalogue().dropped(id)
    }

    /// Looks at the folder again and again while somebody wants to know, and tells what is new. The cores belong to training: looking takes
    /// a twentieth of one at most, however many runs there are.
    pub fn scan_forever(&self) {
        loop {
            let began = Instant::now();
            if self.changes.receiver_count() > 0 {
                let mut catalogue = self.catalogue();
                let update = catalogue.scan();
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
