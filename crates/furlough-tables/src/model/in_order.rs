//! Work on many items on some threads, whose results are taken in the items' order.

use crate::error::Error;
use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

/// What a thread does: a state of its own goes with it.
pub(crate) struct Work<Start, Do> {
    /// Makes a thread's state.
    pub start: Start,
    /// Works on an item.
    pub each: Do,
}

/// Takes items from `next` until there are none, works on them on `threads` threads, and gives the
/// results to `take` on this one, in the items' order. At most a few items a thread wait. The first
/// error in that order ends it all.
pub(crate) fn in_order<Item, State, Out, E>(
    threads: usize,
    mut next: impl FnMut() -> Result<Option<Item>, Error> + Send,
    work: &Work<impl Fn() -> State + Sync, impl Fn(&mut State, Item) -> Result<Out, Error> + Sync>,
    mut take: impl FnMut(Out) -> Result<(), E>,
) -> Result<(), E>
where
    Item: Send,
    Out: Send,
    E: From<Error>,
{
    if threads <= 1 {
        let mut state = (work.start)();
        while let Some(item) = next()? {
            take((work.each)(&mut state, item)?)?;
        }
        return Ok(());
    }
    let shared = Shared {
        input: Mutex::new(Input { next, number: 0 }),
        results: Mutex::new(Results { waiting: BTreeMap::new(), taken: 0, end: None, stop: false }),
        changed: Condvar::new(),
        window: 2 * threads as u64,
    };
    thread::scope(|scope| {
        // However it ends here, the threads do too.
        let _stop = Stop(&shared);
        for _ in 0..threads {
            let spawned = thread::Builder::new().name("furlough-rows".into()).spawn_scoped(scope, || {
                let stop = Stop(&shared);
                let mut state = (work.start)();
                while let Some((number, item)) = shared.next() {
                    shared.put(number, (work.each)(&mut state, item));
                }
                std::mem::forget(stop); // only a panic stops the others
            });
            spawned.map_err(|source| Error::from(furlough::Error::NoThread { source }))?;
        }
        while let Some(result) = shared.take() {
            take(result?)?;
        }
        Ok(())
    })
}

struct Shared<Next, Out> {
    input: Mutex<Input<Next>>,
    results: Mutex<Results<Out>>,
    changed: Condvar,
    /// How many items may be under way, which bounds the memory.
    window: u64,
}

struct Input<Next> {
    next: Next,
    number: u64,
}

struct Results<Out> {
    waiting: BTreeMap<u64, Result<Out, Error>>,
    taken: u64,
    /// How many results there will be, once that is known.
    end: Option<u64>,
    stop: bool,
}

/// Ends all work when it is dropped.
struct Stop<'a, Next, Out>(&'a Shared<Next, Out>);

impl<Next, Out> Drop for Stop<'_, Next, Out> {
    fn drop(&mut self) {
        lock(&self.0.results).stop = true;
        self.0.changed.notify_all();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<Next, Out> Shared<Next, Out> {
    /// Takes the next item, once there is room for its result.
    fn next<Item>(&self) -> Option<(u64, Item)>
    where
        Next: FnMut() -> Result<Option<Item>, Error>,
    {
        let mut input = lock(&self.input);
        let number = input.number;
        let mut results = lock(&self.results);
        while !results.stop && results.end.is_none() && number >= results.taken + self.window {
            results = self.changed.wait(results).unwrap_or_else(PoisonError::into_inner);
        }
        if results.stop || results.end.is_some() {
            return None;
        }
        drop(results);
        match (input.next)() {
            Ok(Some(item)) => {
                input.number += 1;
                Some((number, item))
            }
            Ok(None) => {
                lock(&self.results).end = Some(number);
                self.changed.notify_all();
                None
            }
            Err(error) => {
                lock(&self.results).end = Some(number + 1);
                self.put(number, Err(error));
                None
            }
        }
    }

    fn put(&self, number: u64, result: Result<Out, Error>) {
        lock(&self.results).waiting.insert(number, result);
        self.changed.notify_all();
    }

    /// Waits for the result whose turn it is. None after the last one.
    fn take(&self) -> Option<Result<Out, Error>> {
        let mut results = lock(&self.results);
        loop {
            let next = results.taken;
            if let Some(result) = results.waiting.remove(&next) {
                results.taken += 1;
                drop(results);
                self.changed.notify_all();
                return Some(result);
            }
            if results.stop || results.end.is_some_and(|end| next >= end) {
                return None;
            }
            results = self.changed.wait(results).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Place;
    use std::path::Path;
    use std::time::Duration;

    fn numbers(count: u32, bad: Option<u32>) -> impl FnMut() -> Result<Option<u32>, Error> {
        let mut at = 0;
        move || {
            if Some(at) == bad {
                return Err(Error::format(Path::new("file"), Place::default(), "is bad"));
            }
            at += 1;
            Ok((at <= count).then_some(at - 1))
        }
    }

    fn slow_square(_: &mut (), number: u32) -> Result<u32, Error> {
        if number.is_multiple_of(7) {
            thread::sleep(Duration::from_millis(2));
        }
        Ok(number * number)
    }

    #[test]
    fn results_keep_the_order_on_any_number_of_threads() {
        for threads in [0, 1, 2, 5] {
            let mut seen = Vec::new();
            let work = Work { start: || (), each: slow_square };
            in_order(threads, numbers(100, None), &work, |square| {
                seen.push(square);
                Ok::<_, Error>(())
            })
            .unwrap();
            assert!(seen.iter().copied().eq((0..100).map(|number| number * number)), "{threads} threads");
        }
    }

    #[test]
    fn the_first_error_ends_it_behind_the_results_before() {
        for threads in [1, 3] {
            let mut seen = 0;
            let work = Work { start: || (), each: slow_square };
            let ended = in_order(threads, numbers(100, Some(20)), &work, |_| {
                seen += 1;
                Ok::<_, Error>(())
            });
            assert_eq!((seen, ended.unwrap_err().to_string()), (20, "file: is bad".into()), "{threads} threads");
            let taken = in_order(threads, numbers(100, None), &work, |square| {
                if square == 25 { Err(Error::format(Path::new("out"), Place::default(), "is full")) } else { Ok(()) }
            });
            assert_eq!(taken.unwrap_err().to_string(), "out: is full", "{threads} threads");
        }
    }

    #[test]
    fn a_panic_of_a_thread_is_one_of_the_caller() {
        let work =
            Work { start: || (), each: |_: &mut (), number: u32| if number == 9 { panic!() } else { Ok(number) } };
        let panicked = std::panic::catch_unwind(|| in_order(2, numbers(100, None), &work, |_| Ok::<_, Error>(())));
        assert!(panicked.is_err());
    }
}
