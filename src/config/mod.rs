//! Settings: task, list, repository, user, built in, in that order, each with its origin.
