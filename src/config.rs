//! The settings tree: files, layers, `--set`.
