//! Malachite as a synchronous state machine.
/// placeholder
pub struct Engine;
/// placeholder
pub struct LogEntry;
/// placeholder
pub struct Output;
