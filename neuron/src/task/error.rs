//! What can go wrong with a task's worker.

/// What can go wrong with a task's worker.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The name is no task's.
    #[error("no task is called {name:?}; there are {known}")]
    UnknownTask {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// The task's models need libtorch.
    #[error("this build has no libtorch: build with --features torch")]
    NoTorch,
    /// The question is not one of the task's.
    #[error("no question of this task: {0}")]
    BadQuestion(String),
    /// The weights are not the model's.
    #[error("no weights for this model: {0}")]
    BadWeights(String),
    /// There is nothing to answer with yet.
    #[error("the model is neither trained nor loaded")]
    Untrained,
    /// The library that runs the model failed.
    #[error("the model failed: {0}")]
    Failed(String),
}
