//! Compiled code at rest and in memory: linking, publishing (W^X), pc → function, trap and stack map, artifacts.
