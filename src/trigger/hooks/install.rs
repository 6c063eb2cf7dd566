//! What is to be done so that the hook of one event runs.
//!
//! git's configuration is the best place: it disturbs nobody. A script goes where git starts it, or where a manager
//! starts what it has found; what is there is kept under another name. Into a script that is shared goes a block.

use super::block::{self, Rest};
use super::find::{ConfiguredHook, Found, FoundEvent, SharedScript};
use super::folder::{FolderKind, HookFile, Slots};
use super::plan::{Action, Decision, Permission, Refusal, Wish, require};
use super::uninstall::clear;
use super::{Author, HookEvent};

/// The mode of a script that git starts.
const EXECUTABLE: u32 = 0o755;

/// The mode of a script that husky reads.
const READABLE: u32 = 0o644;

pub(super) fn install_config(event: &FoundEvent, found: &Found, wish: &Wish) -> Decision {
    if !found.runs_configured_hooks() {
        return Err(Refusal::OldGit);
    }
    let runs_in_chosen_folder =
        event.chosen.as_ref().is_some_and(|slots| super::status::slots_way(slots).is_ok());
    if is_called_by_others(event) || runs_in_chosen_folder {
        return Ok(Vec::new());
    }
    let mut actions = match event.config {
        ConfiguredHook::Set | ConfiguredHook::SetElsewhere => Vec::new(),
        ConfiguredHook::Disabled | ConfiguredHook::Half | ConfiguredHook::Absent => {
            vec![Action::SetConfig(event.event)]
        }
        ConfiguredHook::Other => {
            require(wish.edited, || Refusal::OtherConfig { section: event.event.config_section() })?;
            vec![Action::SetConfig(event.event)]
        }
    };
    // A script beside it would call this program a second time.
    actions.extend(clear(&event.own, wish)?);
    Ok(actions)
}

pub(super) fn install_files(event: &FoundEvent, kind: &FolderKind, wish: &Wish) -> Decision {
    if is_called_by_others(event) {
        return Ok(Vec::new());
    }
    let slots = event.effective();
    match (kind, &event.shared) {
        (FolderKind::Nowhere, _) => Err(Refusal::Nowhere { path: slots.folder.clone() }),
        (FolderKind::Elsewhere { scope }, _) => {
            let actions = place(slots, wish)?;
            if !actions.is_empty() {
                let (folder, scope) = (slots.folder.clone(), *scope);
                require(wish.shared, || Refusal::Elsewhere { folder, scope })?;
            }
            Ok(actions)
        }
        (FolderKind::Husky { .. }, Some(shared)) => share(event.event, shared, READABLE, wish),
        (FolderKind::WorkTree, Some(shared)) => share(event.event, shared, EXECUTABLE, wish),
        (FolderKind::Own | FolderKind::Husky { .. } | FolderKind::WorkTree, _) => place(slots, wish),
    }
}

/// Puts the script where git, or a manager that runs what it found, starts it.
fn place(slots: &Slots, wish: &Wish) -> Decision {
    let (path, there) = match &slots.hook {
        Some(hook) if hook.author.runs_legacy() => (slots.legacy_path(), &slots.legacy),
        hook => (slots.hook_path(), hook),
    };
    let bytes = slots.event.script().as_bytes().to_owned();
    let write = Action::Write { path: path.clone(), bytes, mode: EXECUTABLE };
    let Some(there) = there else { return Ok(vec![write]) };
    match (there.author, &slots.previous) {
        (Author::Own, _) if there.is_executable() => Ok(Vec::new()),
        (Author::Own, _) => Ok(vec![Action::MakeExecutable { path }]),
        (Author::OwnEdited, _) => {
            require(wish.edited, || Refusal::Edited { path })?;
            Ok(vec![write])
        }
        (Author::Lefthook, _) if wish.edited == Permission::Missing => Err(Refusal::Lefthook { hook: path }),
        (_, Some(previous)) if previous.is_same(there) => Ok(vec![write]),
        (author, Some(previous)) => {
            Err(Refusal::PreviousTaken { hook: path, author, previous: previous.path.clone() })
        }
        (_, None) => Ok(vec![Action::Keep { path, kept: slots.previous_path() }, write]),
    }
}

/// Puts the block into a script that is shared.
fn share(event: HookEvent, shared: &SharedScript, mode: u32, wish: &Wish) -> Decision {
    let path = shared.path.clone();
    let write = |bytes, mode| Action::Write { path: shared.path.clone(), bytes, mode };
    let actions = match (&shared.file, &shared.rest) {
        (_, Rest::Script(_) | Rest::Nothing) => return Ok(Vec::new()),
        (_, Rest::Edited) => return Err(Refusal::Edited { path }),
        (None, Rest::NoBlock) if mode == EXECUTABLE => {
            vec![write(event.script().as_bytes().to_owned(), mode)]
        }
        (None, Rest::NoBlock) => vec![write(block::new_script(event), mode)],
        (Some(file), Rest::NoBlock) if file.author.is_own() => return own_shared(file, wish),
        (Some(file), Rest::NoBlock) => {
            let bytes = block::insert(event, &file.bytes);
            vec![write(bytes.ok_or_else(|| Refusal::NotShell { path: path.clone() })?, file.mode)]
        }
    };
    require(wish.shared, || Refusal::Shared { path })?;
    Ok(actions)
}

/// A whole script of this program in a folder that is shared.
fn own_shared(file: &HookFile, wish: &Wish) -> Decision {
    let path = file.path.clone();
    if file.author != Author::Own {
        return Err(Refusal::Edited { path });
    }
    if file.is_executable() {
        return Ok(Vec::new());
    }
    require(wish.shared, || Refusal::Shared { path: path.clone() })?;
    Ok(vec![Action::MakeExecutable { path }])
}

/// Whether somebody's own script or manager calls this program already.
pub(super) fn is_called_by_others(event: &FoundEvent) -> bool {
    let calls = |file: &HookFile| !file.author.is_own() && event.event.is_called_in(&file.bytes);
    let hook = event.effective().hook.as_ref();
    hook.is_some_and(calls)
        || event.shared.as_ref().and_then(|shared| shared.file.as_ref()).is_some_and(calls)
        || event.lefthook.is_some() && hook.is_some_and(|hook| hook.author == Author::Lefthook)
}
