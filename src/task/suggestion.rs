//! "Did you mean": the known word that is nearest to a misspelt one.

/// Words of other programs, and what they are called here.
const SYNONYMS: &[(&str, &str)] = &[
    ("body", "description"),
    ("budget", "max_budget_usd"),
    ("command", "agent_command"),
    ("depends_on", "after"),
    ("instructions", "system_prompt"),
    ("max_retries", "retries"),
    ("name", "title"),
    ("needs", "after"),
    ("prompt", "description"),
    ("schema", "result_schema"),
    ("steps", "subtasks"),
    ("tools", "allowed_tools"),
    ("turns", "max_turns"),
];

/// Returns the candidate that the word was probably meant to be.
///
/// Case, hyphens and underscores do not count; of the rest at most a third may differ.
pub fn closest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = simplified(word);
    let synonym = SYNONYMS.iter().find(|(other, _)| simplified(other) == wanted).map(|(_, ours)| *ours);
    candidates
        .into_iter()
        .map(|candidate| match synonym {
            Some(ours) if ours == candidate => (0, candidate),
            _ => (distance(&wanted, &simplified(candidate)), candidate),
        })
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, _)| *distance <= (wanted.len() / 3).max(1))
        .map(|(_, candidate)| candidate)
}

fn simplified(word: &str) -> Vec<char> {
    word.chars().take(80).filter(|letter| !"-_ ".contains(*letter)).flat_map(char::to_lowercase).collect()
}

/// Returns how many letters to insert, delete, replace or swap with a neighbour (optimal string alignment).
fn distance(left: &[char], right: &[char]) -> usize {
    let mut rows = vec![(0..=right.len()).collect::<Vec<usize>>()];
    for (row, letter) in left.iter().enumerate() {
        let mut next = vec![row + 1];
        for (column, other) in right.iter().enumerate() {
            let replaced = rows[row][column] + usize::from(letter != other);
            let mut best = replaced.min(rows[row][column + 1] + 1).min(next[column] + 1);
            let swapped = row > 0 && column > 0 && *letter == right[column - 1] && left[row - 1] == *other;
            if swapped {
                best = best.min(rows[row - 1][column - 1] + 1);
            }
            next.push(best);
        }
        rows.push(next);
    }
    rows[left.len()][right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_word_finds_its_meaning() {
        let known = ["title", "model", "max_turns", "description", "system_prompt"];
        assert_eq!(closest("modle", known), Some("model"));
        assert_eq!(closest("maxTurns", known), Some("max_turns"));
        assert_eq!(closest("instructions", known), Some("system_prompt"));
        assert_eq!(closest("colour", known), None);
    }
}
