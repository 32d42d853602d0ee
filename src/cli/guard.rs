//! A panic inside one hunt must not lose the run: it becomes a message.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};

thread_local! {
    /// Inside of [`guarded`]: the message of the panic, once there is one.
    static CAUGHT: RefCell<Option<String>> = const { RefCell::new(None) };
    static GUARDED: RefCell<bool> = const { RefCell::new(false) };
}

/// Keeps panics inside of [`guarded`] from being printed by the runtime.
pub(super) fn install() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if !GUARDED.with(|guarded| *guarded.borrow()) {
            return usual(info);
        }
        let payload = info.payload();
        let text =
            payload.downcast_ref::<&str>().copied().or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        let place =
            info.location().map(|place| format!(" ({}:{})", tail(place.file()), place.line())).unwrap_or_default();
        CAUGHT.with(|caught| *caught.borrow_mut() = Some(format!("{}{place}", text.unwrap_or("no message"))));
    }));
}

/// Runs `work`; a panic in it comes back as its message and place.
pub(super) fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    GUARDED.with(|guarded| *guarded.borrow_mut() = true);
    // Data of the gate that a panic leaves half made is behind locks that refuse it from then on.
    let result = catch_unwind(AssertUnwindSafe(work));
    GUARDED.with(|guarded| *guarded.borrow_mut() = false);
    result.map_err(|_| CAUGHT.with(|caught| caught.borrow_mut().take()).unwrap_or_else(|| "no message".to_owned()))
}

/// The last names of a path: a message must be the same on every machine.
fn tail(path: &str) -> &str {
    path.rmatch_indices(['/', '\\']).nth(2).map_or(path, |(at, _)| path.get(at + 1..).unwrap_or(path))
}
