//! Small networks you can run.
