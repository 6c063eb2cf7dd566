//! The histories of all tasks, from derived files that may be deleted at any time.
//!
//! Reading every record of 1,000 tasks takes longer than a person waits for a list. What a tree says never
//! changes, so the cache is keyed by ids: the same tips mean the same histories, and after a change only
//! the tasks whose trees are new are read again. A cache that cannot be read or written is no error: it is
//! slower without one, and nothing else.
//!
//! There are two files, because most looks find nothing changed and need the histories alone. What the
//! histories were read from is in the other one; the two belong together when they name the same tips.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::history::TaskHistory;
use super::records::{Records, RecordsError};
use crate::git::{EntryKind, TreeId};
use crate::os::fs;
use crate::task::TaskId;

/// The version of both files; another one counts as no cache.
const CACHE_VERSION: u32 = 2;

/// Each tracking ref with its commit.
type Tips = BTreeMap<String, String>;

/// A task's folders, by the shard they are in.
type TaskTrees = BTreeMap<String, String>;

/// `histories.json`.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Histories {
    version: u32,
    tips: Tips,
    tasks: BTreeMap<TaskId, TaskHistory>,
}

/// `trees.json`: what the histories were read from.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Trees {
    version: u32,
    tips: Tips,
    /// Each folder `<ref>:tasks/<shard>` with its tree.
    shards: BTreeMap<String, String>,
    tasks: BTreeMap<TaskId, TaskTrees>,
}

/// Returns tips that no repository has: what was read from them is taken up, and looked at again.
fn never() -> Tips {
    Tips::from([(String::new(), String::new())])
}

impl Records {
    /// Loads what is known of all tasks that have records, from all machines.
    pub fn load_all(&self) -> Result<BTreeMap<TaskId, TaskHistory>, RecordsError> {
        let tips = self.repository.tracking_tips()?;
        let tips: BTreeMap<String, _> = tips.into_iter().map(|tip| (tip.name, tip.tip)).collect();
        let named: Tips = tips.iter().map(|(name, tip)| (name.clone(), tip.to_string())).collect();
        let known: Histories = self.load_cached("histories.json");
        if known.version == CACHE_VERSION && known.tips == named {
            return Ok(known.tasks);
        }
        let mut roots = BTreeMap::new();
        for (name, tip) in &tips {
            roots.insert(name.clone(), self.repository.tree_of(*tip)?);
        }
        let trees: Trees = self.load_cached("trees.json");
        let belong_together =
            known.tips == trees.tips && [known.version, trees.version] == [CACHE_VERSION, CACHE_VERSION];
        let (known, trees) = if belong_together { (known.tasks, trees) } else { Default::default() };
        self.renew(known, &trees, &roots, named)
    }

    /// Returns histories that are true for these roots, taking from the old ones whatever still is, and
    /// remembers them. A task whose records cannot be read does not hide the others.
    fn renew(
        &self,
        known: BTreeMap<TaskId, TaskHistory>,
        old: &Trees,
        roots: &BTreeMap<String, TreeId>,
        tips: Tips,
    ) -> Result<BTreeMap<TaskId, TaskHistory>, RecordsError> {
        let trees = Trees { version: CACHE_VERSION, ..self.load_trees(old, roots)? };
        let mut known = known;
        let mut tasks = BTreeMap::new();
        for (task, trees) in &trees.tasks {
            let unchanged = if old.tasks.get(task) == Some(trees) { known.remove(task) } else { None };
            let history = match unchanged.filter(|history| history.damage.is_none()) {
                Some(history) => history,
                None => {
                    self.load_history(task, trees).unwrap_or_else(|error| TaskHistory::unreadable(&error))
                }
            };
            tasks.insert(task.clone(), history);
        }
        // What cannot be read today may be readable tomorrow, for a newer program or on a mended disk.
        let is_whole = tasks.values().all(|history| history.damage.is_none());
        let tips = if is_whole { tips } else { never() };
        let trees = Trees { tips: tips.clone(), ..trees };
        let histories = Histories { version: CACHE_VERSION, tips, tasks };
        self.store_cached("trees.json", &trees);
        self.store_cached("histories.json", &histories);
        Ok(histories.tasks)
    }

    /// Lists the folders of all tasks. A shard that has not changed is not looked into.
    fn load_trees(&self, old: &Trees, roots: &BTreeMap<String, TreeId>) -> Result<Trees, RecordsError> {
        let mut new = Trees::default();
        let mut old_by_shard: BTreeMap<&str, Vec<(&TaskId, &str)>> = BTreeMap::new();
        for (task, trees) in &old.tasks {
            for (shard, tree) in trees {
                old_by_shard.entry(shard).or_default().push((task, tree));
            }
        }
        for (name, root) in roots {
            for shard in self.repository.list_folder(*root, "tasks")? {
                let EntryKind::Folder(tree) = shard.kind else { continue };
                let key = format!("{name}:{}", shard.name);
                let id = tree.to_string();
                if old.shards.get(&key) == Some(&id) {
                    for (task, tree) in old_by_shard.get(key.as_str()).into_iter().flatten() {
                        let trees = new.tasks.entry((*task).clone()).or_default();
                        trees.insert(key.clone(), (*tree).to_owned());
                    }
                } else {
                    for entry in self.repository.list_folder(tree, "")? {
                        let (Ok(task), EntryKind::Folder(tree)) = (entry.name.parse(), entry.kind) else {
                            continue;
                        };
                        new.tasks.entry(task).or_default().insert(key.clone(), tree.to_string());
                    }
                }
                new.shards.insert(key, id);
            }
        }
        Ok(new)
    }

    fn load_history(&self, task: &TaskId, trees: &TaskTrees) -> Result<TaskHistory, RecordsError> {
        let distinct: BTreeSet<&String> = trees.values().collect();
        let mut history = TaskHistory::default();
        for tree in distinct {
            if let Ok(tree) = tree.parse() {
                history.add(self.load_part(task, tree)?);
            }
        }
        history.settle();
        Ok(history)
    }

    fn load_cached<T: DeserializeOwned + Default>(&self, name: &str) -> T {
        let bytes = fs::read_optional(&self.cache_path(name)).ok().flatten().unwrap_or_default();
        serde_json::from_slice(&bytes).unwrap_or_default()
    }

    fn store_cached<T: Serialize>(&self, name: &str, value: &T) {
        if let Ok(bytes) = serde_json::to_vec(value)
            && fs::create_private_directory(&self.state.cache_path()).is_ok()
        {
            // Without a cache the next look is slower; there is nothing to tell anybody.
            drop(fs::write_derived(&self.cache_path(name), &bytes));
        }
    }

    fn cache_path(&self, name: &str) -> PathBuf {
        self.state.cache_path().join(name)
    }
}
