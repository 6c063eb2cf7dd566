//! One file a command: words in, one call, words out.
