//! What a run used up, and what it was not allowed to do.

use serde::{Deserialize, Serialize};

/// What one run used: never the sum over the session, so that the runs of a task can be added up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Usage {
    /// Rounds of the model in the main conversation.
    pub turns: u64,
    /// Tokens sent, without those that the cache answered or took in.
    pub input_tokens: u64,
    /// Tokens the model wrote. Unknown, and counted as 0, for what followed the last result of a run.
    pub output_tokens: u64,
    /// Tokens read from the prompt cache.
    pub cache_read_tokens: u64,
    /// Tokens written to the prompt cache.
    pub cache_write_tokens: u64,
    /// The agent's own estimate in US dollars; `None` where it gave none.
    pub cost_usd: Option<f64>,
}

impl Usage {
    /// Adds what another run used. A cost that is unknown on one side only counts as 0.
    pub fn add(&mut self, other: &Self) {
        self.turns = self.turns.saturating_add(other.turns);
        self.input_tokens = self.input_tokens.saturating_add(other.input_tokens);
        self.output_tokens = self.output_tokens.saturating_add(other.output_tokens);
        self.cache_read_tokens = self.cache_read_tokens.saturating_add(other.cache_read_tokens);
        self.cache_write_tokens = self.cache_write_tokens.saturating_add(other.cache_write_tokens);
        if let Some(cost) = other.cost_usd {
            self.cost_usd = Some(self.cost_usd.unwrap_or(0.0) + cost);
        }
    }
}

/// Something that the agent wanted to do and was not allowed to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PermissionDenial {
    /// The tool, as in `Bash`.
    pub tool: String,
    /// What it was asked to do, in one short line.
    pub input: String,
    /// Why it was refused, where the agent said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_cost_stays_unknown_until_one_is_known() {
        let mut sum = Usage::default();
        sum.add(&Usage { turns: 2, ..Usage::default() });
        assert_eq!(sum.cost_usd, None);
        sum.add(&Usage { turns: 1, cost_usd: Some(0.5), ..Usage::default() });
        sum.add(&Usage { turns: u64::MAX, ..Usage::default() });
        assert_eq!((sum.turns, sum.cost_usd), (u64::MAX, Some(0.5)));
    }
}
