//! The histories of all tasks, from a derived file that may be deleted at any time.
//!
//! Reading every record of 1,000 tasks takes longer than a person waits for a list. What a tree says never
//! changes, so the cache is keyed by ids: the same tips mean the same histories, and after a change only
//! the tasks whose trees are new are read again. A cache that cannot be read or written is no error: it is
//! slower without one, and nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::history::TaskHistory;
use super::records::{Records, RecordsError};
use crate::git::{EntryKind, TreeId};
use crate::os::fs;
use crate::task::TaskId;

/// The version of the file; another one counts as no cache.
const CACHE_VERSION: u32 = 1;

#[derive(Debug, Default, Serialize, Deserialize)]
struct Cache {
    version: u32,
    /// Each tracking ref with its commit.
    tips: BTreeMap<String, String>,
    /// Each folder `<ref>:tasks/<shard>` with its tree.
    shards: BTreeMap<String, String>,
    /// What is known of each task.
    tasks: BTreeMap<TaskId, Known>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Known {
    /// The task's folders, by the shard they are in.
    trees: BTreeMap<String, String>,
    history: TaskHistory,
}

impl Records {
    /// Loads what is known of all tasks that have records, from all machines.
    pub fn load_all(&self) -> Result<BTreeMap<TaskId, TaskHistory>, RecordsError> {
        let tips = self.repository.tracking_tips()?;
        let tips: BTreeMap<String, _> = tips.into_iter().map(|tip| (tip.name, tip.tip)).collect();
        let named: BTreeMap<String, String> =
            tips.iter().map(|(name, tip)| (name.clone(), tip.to_string())).collect();
        let mut cache = self.load_cache();
        if cache.tips != named {
            let mut roots = BTreeMap::new();
            for (name, tip) in &tips {
                roots.insert(name.clone(), self.repository.tree_of(*tip)?);
            }
            cache = self.renewed(&cache, &roots)?;
            cache.tips = named;
            self.store_cache(&cache);
        }
        Ok(cache.tasks.into_iter().map(|(task, known)| (task, known.history)).collect())
    }

    /// Returns a cache that is true for these trees, taking from the old one whatever still is.
    fn renewed(&self, old: &Cache, roots: &BTreeMap<String, TreeId>) -> Result<Cache, RecordsError> {
        let mut new = Cache { version: CACHE_VERSION, ..Cache::default() };
        let mut trees: BTreeMap<TaskId, BTreeMap<String, String>> = BTreeMap::new();
        let mut old_by_shard: BTreeMap<&str, Vec<(&TaskId, &str)>> = BTreeMap::new();
        for (task, known) in &old.tasks {
            for (shard, tree) in &known.trees {
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
                        trees.entry((*task).clone()).or_default().insert(key.clone(), (*tree).to_owned());
                    }
                } else {
                    for entry in self.repository.list_folder(tree, "")? {
                        let (Ok(task), EntryKind::Folder(tree)) = (entry.name.parse(), entry.kind) else {
                            continue;
                        };
                        trees.entry(task).or_default().insert(key.clone(), tree.to_string());
                    }
                }
                new.shards.insert(key, id);
            }
        }
        for (task, trees) in trees {
            let known = match old.tasks.get(&task) {
                Some(known) if known.trees == trees => known.clone(),
                _ => Known { history: self.load_history(&task, &trees)?, trees },
            };
            new.tasks.insert(task, known);
        }
        Ok(new)
    }

    fn load_history(
        &self,
        task: &TaskId,
        trees: &BTreeMap<String, String>,
    ) -> Result<TaskHistory, RecordsError> {
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

    fn load_cache(&self) -> Cache {
        let bytes = fs::read_optional(&self.cache_path()).ok().flatten().unwrap_or_default();
        match serde_json::from_slice::<Cache>(&bytes) {
            Ok(cache) if cache.version == CACHE_VERSION => cache,
            Ok(_) | Err(_) => Cache::default(),
        }
    }

    fn store_cache(&self, cache: &Cache) {
        let folder = self.state.cache_path();
        if let Ok(bytes) = serde_json::to_vec(cache)
            && fs::create_private_directory(&folder).is_ok()
        {
            // Without a cache the next look is slower; there is nothing to tell anybody.
            drop(fs::write_derived(&self.cache_path(), &bytes));
        }
    }

    fn cache_path(&self) -> PathBuf {
        self.state.cache_path().join("histories.json")
    }
}
