//! The texts that the program writes for an agent, for git or for a service manager, from templates.
//!
//! A repository may replace a template for an agent or for git by a file of the same name in `.claudedo/templates/`. What must
//! always hold is therefore kept here and not in the templates: a prompt never starts with `/`, which
//! Claude Code would take for one of its own commands, and trailers are written by the program alone.

mod commit;
mod engine;
mod prompt;
mod service;

pub use commit::{CommitMessage, commit_message};
pub use engine::{Template, TemplateError, TemplateName};
pub use prompt::{follow_up_prompt, prompt, retry_prompt};
pub use service::{ServiceTextError, ServiceValues, checksum, is_untouched, launch_agent, systemd_unit};
