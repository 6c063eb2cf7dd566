//! What is to be done so that nothing of this program is left for one event, and all is as it was before.

use super::block::Rest;
use super::find::{ConfiguredHook, FoundEvent, SharedScript};
use super::folder::{FolderKind, Slots};
use super::plan::{Action, Decision, Refusal, Wish, require};
use super::{Author, HookEvent};

pub(super) fn unset_config(event: &FoundEvent, wish: &Wish) -> Decision {
    match event.config {
        ConfiguredHook::Absent | ConfiguredHook::SetElsewhere => Ok(Vec::new()),
        ConfiguredHook::Set | ConfiguredHook::Half | ConfiguredHook::Disabled => {
            Ok(vec![Action::UnsetConfig(event.event)])
        }
        ConfiguredHook::Other => {
            require(wish.edited, || Refusal::OtherConfig { section: event.event.config_section() })?;
            Ok(vec![Action::UnsetConfig(event.event)])
        }
    }
}

/// Takes the scripts out of a folder, and puts back what was there before.
pub(super) fn clear(slots: &Slots, wish: &Wish) -> Decision {
    let edited = slots.own().find(|file| file.author == Author::OwnEdited);
    if let Some(file) = edited {
        require(wish.edited, || Refusal::Edited { path: file.path.clone() })?;
    }
    let mut previous = slots.previous.as_ref();
    let mut actions: Vec<Action> = slots
        .own()
        .map(|file| match previous.take() {
            Some(kept) => Action::Restore { kept: kept.path.clone(), path: file.path.clone() },
            None => Action::Remove { path: file.path.clone() },
        })
        .collect();
    // What a plan that was cut short has left.
    match (previous, &slots.hook, &slots.legacy) {
        (Some(kept), None, _) => {
            actions.push(Action::Restore { kept: kept.path.clone(), path: slots.hook_path() });
        }
        (Some(kept), Some(hook), legacy)
            if kept.is_same(hook) || legacy.as_ref().is_some_and(|legacy| kept.is_same(legacy)) =>
        {
            actions.push(Action::Remove { path: kept.path.clone() });
        }
        (Some(_) | None, _, _) => {}
    }
    Ok(actions)
}

pub(super) fn clear_chosen(event: &FoundEvent, kind: &FolderKind, wish: &Wish) -> Decision {
    let (actions, path) = match (&event.chosen, &event.shared) {
        (_, Some(shared)) => (clear_shared(event.event, shared, wish)?, shared.path.clone()),
        (Some(slots), None) => (clear(slots, wish)?, slots.folder.clone()),
        (None, None) => return Ok(Vec::new()),
    };
    if !actions.is_empty() {
        require(wish.shared, || match kind {
            FolderKind::Elsewhere { scope } => Refusal::Elsewhere { folder: path, scope: *scope },
            FolderKind::Own | FolderKind::Husky { .. } | FolderKind::WorkTree | FolderKind::Nowhere => {
                Refusal::Shared { path }
            }
        })?;
    }
    Ok(actions)
}

fn clear_shared(event: HookEvent, shared: &SharedScript, wish: &Wish) -> Decision {
    let path = shared.path.clone();
    if shared.rest == Rest::Edited {
        return Err(Refusal::Edited { path });
    }
    Ok(match (&shared.file, &shared.rest) {
        (Some(file), Rest::Script(bytes)) => {
            vec![Action::Write { path, bytes: bytes.clone(), mode: file.mode }]
        }
        (Some(_), Rest::Nothing) => vec![Action::Remove { path }],
        (Some(file), _) if file.author.is_own() => {
            if file.bytes != event.script().as_bytes() {
                require(wish.edited, || Refusal::Edited { path: path.clone() })?;
            }
            vec![Action::Remove { path }]
        }
        (Some(_) | None, _) => Vec::new(),
    })
}
