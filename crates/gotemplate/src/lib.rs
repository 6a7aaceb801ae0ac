//! Go text/template and fmt, compiled once, executed many times.
