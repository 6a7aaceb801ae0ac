//! Bad input and faults: what failed, the cause, and a hint that is a command.
