//! The engine's threads: one for the loop, others for what blocks.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

use super::engine::Engine;

/// How long a thread that has nothing to do is kept. What a look at many tasks needed goes back to the operating
/// system only when its thread ends.
const IDLE_MAX: Duration = Duration::from_millis(200);

/// Returns a runtime for the engine.
pub(crate) fn runtime() -> anyhow::Result<Runtime> {
    let mut builder = Builder::new_current_thread();
    builder.enable_all().thread_keep_alive(IDLE_MAX).build().context("start the runtime")
}

/// Does blocking work, with git and files, on another thread.
pub(crate) async fn blocking<T: Send + 'static>(
    engine: &Arc<Engine>,
    work: impl FnOnce(&Engine) -> anyhow::Result<T> + Send + 'static,
) -> anyhow::Result<T> {
    let engine = Arc::clone(engine);
    tokio::task::spawn_blocking(move || work(&engine)).await.context("finish a step of the run")?
}

/// Does blocking work that takes much memory for a moment, on a thread of its own, and returns a copy of the result.
///
/// The copy is in the caller's memory: a value that stayed in that of the other thread, or other work there, would
/// keep what was taken from going back to the operating system.
pub(crate) async fn aside<T: Clone + Send + Sync + 'static>(
    engine: &Arc<Engine>,
    work: impl FnOnce(&Engine) -> anyhow::Result<T> + Send + 'static,
) -> anyhow::Result<T> {
    let engine = Arc::clone(engine);
    let (sender, receiver) = oneshot::channel();
    let (copied, wait) = oneshot::channel::<()>();
    let thread = std::thread::Builder::new().name("look".to_owned()).spawn(move || {
        let found = Arc::new(work(&engine));
        if sender.send(Arc::clone(&found)).is_ok() {
            // The caller may be gone, which is as good.
            drop(wait.blocking_recv());
        }
    });
    thread.context("start a thread")?;
    let found = receiver.await.context("finish a look")?;
    let copy = match found.as_ref() {
        Ok(found) => Ok(found.clone()),
        Err(error) => Err(anyhow::anyhow!("{error:#}")),
    };
    drop(found);
    drop(copied);
    copy
}
