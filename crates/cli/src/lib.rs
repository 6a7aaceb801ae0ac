//! Arguments to settings, one file per command, printing.
