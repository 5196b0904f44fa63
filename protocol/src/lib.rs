//! What neurons say to each other, and the rules they settle by.
