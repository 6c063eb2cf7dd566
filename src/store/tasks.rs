//! Reads and writes the files that people keep under `.claudedo/`.
