//! Desired, live and previous objects to an ordered DAG of operations.
