//! The engine's threads: one for the loop, others for what blocks.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::runtime::{Builder, Runtime};

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
