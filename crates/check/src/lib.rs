//! Findings on a graph.
