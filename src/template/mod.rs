//! The texts that the program writes for an agent or for git, from templates.
