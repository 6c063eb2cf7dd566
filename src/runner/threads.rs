//! The engine's threads: one for the loop, others for what blocks.

use std::sync::Arc;

use anyhow::Context;
use tokio::runtime::{Builder, Runtime};

use super::engine::Engine;

/// Returns a runtime for the engine.
pub(crate) fn runtime() -> anyhow::Result<Runtime> {
    Builder::new_current_thread().enable_all().build().context("start the runtime")
}

/// Does blocking work, with git and files, on another thread.
pub(crate) async fn blocking<T: Send + 'static>(
    engine: &Arc<Engine>,
    work: impl FnOnce(&Engine) -> anyhow::Result<T> + Send + 'static,
) -> anyhow::Result<T> {
    let engine = Arc::clone(engine);
    tokio::task::spawn_blocking(move || work(&engine)).await.context("finish a step of the run")?
}
