//! The binary: parse, load the settings, start the named command, print an error once.

fn main() {}
